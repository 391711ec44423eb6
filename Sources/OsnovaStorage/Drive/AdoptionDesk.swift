internal import Foundation
internal import Primitives
internal import Sealing

/// Sees to it that threads which meet the same unverified blob verify it once, and that a damaged one is not verified
/// again for every read as long as its file stays the same.
///
/// `@unchecked Sendable` holds because everything mutable is behind the condition's lock, which is not held while a
/// blob is verified.
final class AdoptionDesk: @unchecked Sendable {
    /// A verification that others wait for.
    private final class Adoption {
        let file: SystemCalls.Status
        var isDone = false
        /// Nil where it failed.
        var blob: SealedBlob?

        init(_ file: SystemCalls.Status) { self.file = file }
    }

    private let condition = NSCondition()
    private var underway: [ContentID: Adoption] = [:]
    private var refused: [ContentID: (file: SystemCalls.Status, error: OsnovaError)] = [:]

    private static let maximumRefused = 1024

    /// Runs `adopt` unless another thread does so for the same file: then waits, and runs it only if that failed.
    ///
    /// - Parameter status: of the blob's file now.
    func adopt(
        _ id: ContentID, status: SystemCalls.Status, _ adopt: () throws -> SealedBlob
    ) throws -> SealedBlob {
        if let blob = try begin(id, status) { return blob }
        var blob: SealedBlob?
        defer { end(id, blob) }
        do {
            let adopted = try adopt()
            blob = adopted
            return adopted
        } catch let error as OsnovaError where error.kind == .damaged {
            remember(id, status, error)
            throw error
        }
    }

    /// What another thread has found of the same file meanwhile; nil where it is the caller's to verify it.
    private func begin(_ id: ContentID, _ status: SystemCalls.Status) throws -> SealedBlob? {
        condition.lock()
        defer { condition.unlock() }
        while let other = underway[id] {
            while !other.isDone { condition.wait() }
            if let blob = other.blob, other.file == status { return blob }
        }
        if let known = refused[id], known.file == status { throw known.error }
        underway[id] = Adoption(status)
        return nil
    }

    private func end(_ id: ContentID, _ blob: SealedBlob?) {
        condition.lock()
        defer { condition.unlock() }
        let adoption = underway.removeValue(forKey: id)
        adoption?.blob = blob
        adoption?.isDone = true
        condition.broadcast()
    }

    private func remember(_ id: ContentID, _ status: SystemCalls.Status, _ error: OsnovaError) {
        condition.lock()
        defer { condition.unlock() }
        if refused.count >= Self.maximumRefused { refused.removeAll() }
        refused[id] = (status, error)
    }
}
