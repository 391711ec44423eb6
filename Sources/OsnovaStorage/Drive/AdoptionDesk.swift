internal import Foundation
internal import Primitives
internal import Sealing

/// Sees to it that threads which meet the same unverified blob verify it once, and that a damaged one is not verified
/// again for every read as long as its file stays the same.
///
/// `@unchecked Sendable` holds because everything mutable is behind the condition's lock, which is not held while a
/// blob is verified.
final class AdoptionDesk: @unchecked Sendable {
    private let condition = NSCondition()
    private var underway: Set<ContentID> = []
    private var refused: [ContentID: (file: SystemCalls.Status, error: OsnovaError)] = [:]

    private static let maximumRefused = 1024

    /// Runs `adopt` unless another thread does so for the same blob: then waits, and runs it only if that failed.
    ///
    /// - Parameter status: of the blob's file now.
    func adopt(
        _ id: ContentID, status: SystemCalls.Status, _ adopt: () throws -> SealedBlob
    ) throws -> SealedBlob {
        try begin(id, status)
        defer { end(id) }
        do {
            return try adopt()
        } catch let error as OsnovaError where error.kind == .damaged {
            remember(id, status, error)
            throw error
        }
    }

    private func begin(_ id: ContentID, _ status: SystemCalls.Status) throws {
        condition.lock()
        defer { condition.unlock() }
        while underway.contains(id) { condition.wait() }
        if let known = refused[id], known.file == status { throw known.error }
        underway.insert(id)
    }

    private func end(_ id: ContentID) {
        condition.lock()
        defer { condition.unlock() }
        underway.remove(id)
        condition.broadcast()
    }

    private func remember(_ id: ContentID, _ status: SystemCalls.Status, _ error: OsnovaError) {
        condition.lock()
        defer { condition.unlock() }
        if refused.count >= Self.maximumRefused { refused.removeAll() }
        refused[id] = (status, error)
    }
}
