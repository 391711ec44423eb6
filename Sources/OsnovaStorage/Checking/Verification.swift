internal import Blobs
internal import Catalog
internal import Primitives
internal import Synchronization

/// Verifies a store: its blobs as a whole, each on a core of its own, its database, and what refers to what.
///
/// Changes nothing but the times of verification, unless a repair is asked for.
public final class Verification: Sendable {
    private static let page = 1024
    /// Bytes of a blob whose tags are read with its page.
    private static let smallSize: Int64 = 4 << 20

    let store: Store
    private let scope: VerificationScope
    private let onProgress: @Sendable (Int) -> Void
    private let state = Mutex(State())

    private struct State {
        var report = VerificationReport()
        var troubles: [Trouble] = []
        /// Rows whose check is to be noted.
        var settled: [Int64] = []

        mutating func enter(_ outcome: Outcome) {
            switch outcome.condition {
            case .sound(let isSettled):
                report.checked += 1
                report.ok += 1
                if let row = outcome.row, isSettled { settled.append(row) }
                if outcome.row == nil { report.untracked.append(outcome.id.hex) }
            case .misrecorded(let reason), .damaged(let reason):
                report.checked += 1
                report.damaged.append(.init(sha256: outcome.id.hex, reason: reason))
            case .missing:
                // A file without a row that is gone by now was nobody's.
                if outcome.row != nil { report.missing.append(outcome.id.hex) }
            }
            if case .sound = outcome.condition, outcome.row != nil { return }
            troubles.append(Trouble(id: outcome.id, condition: outcome.condition, isTracked: outcome.row != nil))
        }
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

    /// A blob as the database had it when its page was read.
    private struct Listed: Sendable {
        let record: BlobRecord
        /// Nil for a large one, whose tags would fill the memory.
        let tags: [UInt8]?
        let known: UpkeepBook.Check?
    }

    private func checkListed() throws {
        let row = Mutex(Int64.min)
        let book = Mutex(try? UpkeepBook.existing(path: store.root.upkeep))
        let queue = WorkQueue(weight: { (listed: Listed) in listed.record.size }) { [self] in
            let page = try listed(after: row.withLock { $0 }, book)
            if let last = page.last { row.withLock { $0 = last.record.row } }
            // The largest first: what is begun last is soon done.
            return page.sorted { $0.record.size > $1.record.size }
        }
        try onAllCores(queue) { check, listed in
            let record = listed.record
            guard try self.scope.includes(record, listed.known) || check.isMissing(record) else { return nil }
            let condition = try check.condition(of: record, tags: listed.tags)
            if case .missing = condition, try self.wasRemoved(record) { return nil }
            return Outcome(id: record.id, row: record.row, condition)
        }
    }

    /// Whether a blob lost its row since it was listed, as by a collection: that its file is gone too is no damage.
    private func wasRemoved(_ record: BlobRecord) throws -> Bool {
        try store.catalog.read { try !$0.hasBlob(inRow: record.row) }
    }

    private func listed(after row: Int64, _ book: borrowing Mutex<UpkeepBook?>) throws -> [Listed] {
        let records = try store.catalog.read { try $0.blobs(after: row, limit: Self.page) }
        // Whatever fails here fails again, and is told, when the tags are read for each blob alone.
        let tags = try? store.catalog.read { reading in
            try records.map { $0.size <= Self.smallSize ? try reading.tags(ofBlob: $0.row) : nil }
        }
        // What a mount noted spares work; without it there is more to read, that is all.
        return book.withLock { book in
            zip(records, tags ?? records.map { _ in nil }).map { record, tags in
                Listed(record: record, tags: tags, known: try? book?.check(ofBlob: record.row, record.id))
            }
        }
    }

    private func checkUntracked() throws {
        var found: [ContentID] = []
        var names: [ContentID] = []
        try store.blobs.scan { entry in
            switch entry {
            case .temporary: break
            case .stranger(let name): state.withLock { $0.report.untracked.append(name) }
            case .blob(let id): names.append(id)
            }
            if names.count == Self.page { found += try untracked(of: &names) }
            return true
        }
        found += try untracked(of: &names)
        try onAllCores(WorkQueue(found)) { check, id in
            Outcome(id: id, row: nil, try check.condition(ofUntracked: id))
        }
    }

    /// Those in scope that the database does not know; the list is empty afterwards.
    private func untracked(of names: inout [ContentID]) throws -> [ContentID] {
        defer { names.removeAll(keepingCapacity: true) }
        return try store.catalog.read { reading in
            try names.filter { try !reading.hasBlob($0) && scope.includesOneMore() }
        }
    }

    /// What was found of one blob.
    private struct Outcome {
        let id: ContentID
        /// Nil for a file that the database does not know.
        let row: Int64?
        let condition: BlobCondition

        init(id: ContentID, row: Int64?, _ condition: BlobCondition) {
            self.id = id
            self.row = row
            self.condition = condition
        }
    }

    private func onAllCores<Item>(
        _ queue: WorkQueue<Item>, _ body: @escaping @Sendable (BlobCheck, Item) throws -> Outcome?
    ) throws {
        let group = DigestGroup(cores: ParallelWork.cores)
        // More for a core than are hashed at once, so that others work while some wait.
        try ParallelWork.onAllCores(threadsEach: 4) { [self] in
            let check = try BlobCheck(store: store, group: group, onProgress: onProgress)
            while true {
                let items = try queue.next()
                if items.isEmpty { break }
                enter(try items.compactMap { try body(check, $0) })
            }
            let open = check.openToOthers
            state.withLock { $0.report.openToOthers += open }
        }
    }

    private func enter(_ outcomes: [Outcome]) {
        state.withLock { state in
            for outcome in outcomes { state.enter(outcome) }
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
