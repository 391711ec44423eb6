internal import Blobs
internal import Catalog
internal import Dispatch
internal import Foundation
internal import Primitives
internal import Sealing
internal import Synchronization
internal import SystemPackage

/// What a verification of a whole store found.
public struct VerificationReport: Sendable {
    /// A blob that is not what it should be.
    public struct Damage: Sendable, Equatable {
        /// The name of the blob: 64 lower-case hexadecimal digits.
        public let sha256: String
        /// What is wrong with it, in words.
        public let reason: String
    }

    /// Sealed files that were read.
    public internal(set) var checked = 0
    /// Those of them that are sound.
    public internal(set) var ok = 0
    /// Those that are not.
    public internal(set) var damaged: [Damage] = []
    /// Contents that the database refers to and that have no file.
    public internal(set) var missing: [String] = []
    /// Files in `blobs/` that the database does not know; sound ones are taken up by the next mount.
    public internal(set) var untracked: [String] = []
    /// `ok`, or what SQLite's own checks say.
    public internal(set) var database = "ok"

    /// Whether everything is as it should be; untracked files are no damage.
    public var isSound: Bool { damaged.isEmpty && missing.isEmpty && database == "ok" }
}

/// Verifies every blob of a store as a whole, and its database; changes nothing.
public final class Verification: Sendable {
    private static let page = 4096

    private let store: Store
    private let report = Mutex(VerificationReport())
    private let onProgress: @Sendable (Int) -> Void

    /// Readies a verification.
    ///
    /// - Parameters:
    ///   - store: opened with its keys.
    ///   - onProgress: told the bytes just read, from any thread.
    public init(store: Store, onProgress: @escaping @Sendable (Int) -> Void = { _ in }) {
        self.store = store
        self.onProgress = onProgress
    }

    /// Runs to the end and tells what was found.
    ///
    /// - Throws: what stops the verification itself, such as missing keys; damage is not thrown.
    public func run() throws -> VerificationReport {
        let keys = try store.keys()
        try checkDatabase()
        var row: Int64 = 0
        while true {
            let records = try store.catalog.read { try $0.blobs(after: row, limit: Self.page) }
            guard let last = records.last else { break }
            row = last.row
            try inParallel(records) { try self.check($0, BlobAudit(keys: keys)) }
        }
        try checkUntracked(keys)
        try checkReferences()
        return report.withLock { report in
            report.damaged.sort { $0.sha256 < $1.sha256 }
            report.missing.sort()
            report.untracked.sort()
            return report
        }
    }

    private func checkDatabase() throws {
        let findings: [String]
        do {
            findings = try store.catalog.integrityFindings()
        } catch let error as OsnovaError where error.kind == .damaged {
            findings = [error.message]
        }
        if !findings.isEmpty { report.withLock { $0.database = findings.joined(separator: "; ") } }
    }

    private func inParallel<Item: Sendable>(_ items: [Item], _ body: @Sendable (Item) throws -> Void) throws {
        let next = Atomic(0)
        let failure = Mutex<(any Error)?>(nil)
        DispatchQueue.concurrentPerform(iterations: ProcessInfo.processInfo.activeProcessorCount) { _ in
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < items.count else { return }
                do { try body(items[index]) } catch { return failure.withLock { $0 = error } }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func check(_ record: BlobRecord, _ audit: BlobAudit) throws {
        try judge(record.id, listed: true) {
            let file = try store.blobs.open(record.id)
            let finding = try audit.verify(file: file, id: record.id, progress: onProgress)
            guard finding.blob.length == record.size else {
                throw OsnovaError.damaged("the database has another size: \(record.size), not \(finding.blob.length)")
            }
            // A sound file under another nonce is another sealing of the same content; its next read adopts it.
            guard let nonce = record.nonce, nonce == finding.blob.nonce.bytes else { return }
            guard try store.catalog.read({ try $0.tags(ofBlob: record.row) }) == finding.tags else {
                throw OsnovaError.damaged("the database has other chunk tags than the file")
            }
        }
    }

    private func checkUntracked(_ keys: SealingKeys) throws {
        let audit = try BlobAudit(keys: keys)
        try store.blobs.scan { entry in
            switch entry {
            case .temporary: break
            case .stranger(let name): report.withLock { $0.untracked.append(name) }
            case .blob(let id):
                guard try !store.catalog.read({ try $0.hasBlob(id) }) else { break }
                let isSound = try judge(id, listed: false) {
                    _ = try audit.verify(file: store.blobs.open(id), id: id, progress: onProgress)
                }
                if isSound { report.withLock { $0.untracked.append(id.hex) } }
            }
            return true
        }
    }

    private func checkReferences() throws {
        for hash in try store.catalog.read({ try $0.danglingReferences() }) {
            if let id = ContentID(hex: hash), try store.blobs.status(of: id) != nil { continue }
            report.withLock { $0.missing.append(hash) }
        }
    }

    /// Runs one blob's check and enters its outcome.
    @discardableResult
    private func judge(_ id: ContentID, listed: Bool, _ check: () throws -> Void) throws -> Bool {
        do {
            try check()
            report.withLock {
                $0.checked += 1; $0.ok += 1
            }
            return true
        } catch let error as OsnovaError where error.kind == .notFound {
            if listed { report.withLock { $0.missing.append(id.hex) } }
        } catch let error as OsnovaError where error.kind == .damaged || error.kind == .inputOutput {
            report.withLock {
                $0.checked += 1
                $0.damaged.append(.init(sha256: id.hex, reason: error.message))
            }
        }
        return false
    }
}
