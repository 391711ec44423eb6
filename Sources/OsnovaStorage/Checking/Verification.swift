internal import Blobs
internal import Catalog
internal import Primitives
internal import Synchronization

/// Verifies a store: its blobs as a whole, each on a core of its own, its database, and what refers to what.
///
/// Changes nothing but the times of verification, unless a repair is asked for.
public final class Verification: Sendable {
    private static let page = 1024

    let store: Store
    private let scope: VerificationScope
    private let onProgress: @Sendable (Int) -> Void
    private let state = Mutex(State())

    private struct State {
        var report = VerificationReport()
        var troubles: [Trouble] = []
        /// Rows whose check is to be noted.
        var settled: [Int64] = []
    }

    /// A blob that needs a repair.
    struct Trouble: Sendable {
        let id: ContentID
        let condition: BlobCondition
        let isTracked: Bool
    }

    /// Readies a verification.
    ///
    /// - Parameters:
    ///   - store: opened with its keys.
    ///   - scope: which blobs are read.
    ///   - onProgress: told the bytes just read, from any thread.
    public init(
        store: Store, scope: VerificationScope = VerificationScope(),
        onProgress: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.store = store
        self.scope = scope
        self.onProgress = onProgress
    }

    /// Runs to the end and tells what was found.
    ///
    /// - Throws: what stops the verification itself, such as missing keys; damage is not thrown.
    public func run() throws -> VerificationReport {
        _ = try store.keys()
        try checkDatabase()
        try checkListed()
        try checkUntracked()
        try checkReferences()
        try checkPermissions()
        noteSettled(atLeast: 1)
        return state.withLock { state in
            state.report.sort()
            return state.report
        }
    }

    /// What the last ``run()`` found wrong.
    var troubles: [Trouble] { state.withLock { $0.troubles } }

    // MARK: Database

    private func checkDatabase() throws {
        let findings: [String]
        do {
            findings = try store.catalog.integrityFindings()
        } catch let error as OsnovaError where error.kind == .damaged {
            findings = [error.message]
        }
        if !findings.isEmpty { state.withLock { $0.report.database = findings.joined(separator: "; ") } }
    }

    private func checkReferences() throws {
        for hash in try store.catalog.read({ try $0.danglingReferences() }) {
            let id = ContentID(hex: hash)
            if let id, try store.blobs.status(of: id) != nil { continue }
            state.withLock { state in
                state.report.missing.append(hash)
                if let id { state.troubles.append(Trouble(id: id, condition: .missing, isTracked: false)) }
            }
        }
    }

    private func checkPermissions() throws {
        let paths = try Permissions.pathsOpenToOthers(in: store.root)
        state.withLock { $0.report.openToOthers += paths }
    }

    // MARK: Blobs

    private func checkListed() throws {
        let row = Mutex(Int64(0))
        let book = Mutex(try? UpkeepBook.existing(path: store.root.upkeep))
        let queue = WorkQueue { [store] in
            let records = try store.catalog.read { try $0.blobs(after: row.withLock { $0 }, limit: Self.page) }
            if let last = records.last { row.withLock { $0 = last.row } }
            // What a mount noted spares work; without it there is more to read, that is all.
            return book.withLock { book in records.map { ($0, try? book?.check(ofBlob: $0.row, $0.id)) } }
        }
        try onEachCore { check in
            while let (record, known) = try queue.next() {
                if self.scope.includes(record, known) {
                    let condition = try check.condition(of: record)
                    self.enter(record.id, condition, row: record.row)
                } else if try check.isMissing(record) {
                    self.enter(record.id, .missing, row: record.row)
                }
            }
        }
    }

    private func checkUntracked() throws {
        var found: [ContentID] = []
        try store.blobs.scan { entry in
            switch entry {
            case .temporary: break
            case .stranger(let name): state.withLock { $0.report.untracked.append(name) }
            case .blob(let id):
                if try !store.catalog.read({ try $0.hasBlob(id) }), scope.includesOneMore() { found.append(id) }
            }
            return true
        }
        let queue = WorkQueue(found)
        try onEachCore { check in
            while let id = try queue.next() {
                self.enter(id, try check.condition(ofUntracked: id), row: nil)
            }
        }
    }

    private func onEachCore(_ body: @Sendable (BlobCheck) throws -> Void) throws {
        try ParallelWork.onEachCore {
            let check = try BlobCheck(store: store, onProgress: onProgress)
            try body(check)
            let open = check.openToOthers
            state.withLock { $0.report.openToOthers += open }
        }
    }

    private func enter(_ id: ContentID, _ condition: BlobCondition, row: Int64?) {
        state.withLock { state in
            switch condition {
            case .sound(let isSettled):
                state.report.checked += 1
                state.report.ok += 1
                if let row, isSettled { state.settled.append(row) }
                if row == nil { state.report.untracked.append(id.hex) }
            case .misrecorded(let reason), .damaged(let reason):
                state.report.checked += 1
                state.report.damaged.append(.init(sha256: id.hex, reason: reason))
            case .missing:
                // A file without a row that is gone by now was nobody's.
                if row != nil { state.report.missing.append(id.hex) }
            }
            if case .sound = condition, row != nil { return }
            state.troubles.append(Trouble(id: id, condition: condition, isTracked: row != nil))
        }
        noteSettled(atLeast: Self.page)
    }

    /// Notes when sound blobs were verified, so that another run can leave them out.
    private func noteSettled(atLeast count: Int) {
        let rows = state.withLock { state -> [Int64] in
            guard state.settled.count >= count, state.report.database == "ok" else { return [] }
            defer { state.settled = [] }
            return state.settled
        }
        guard !rows.isEmpty else { return }
        // A database that cannot be written, as on a read-only disk, can be verified all the same.
        try? store.catalog.write { writing in
            for row in rows { try writing.recordVerification(ofBlob: row) }
        }
    }
}
