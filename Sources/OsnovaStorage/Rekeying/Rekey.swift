internal import Blobs
public import Catalog
public import Keyring
public import Primitives
internal import Sealing

/// Gives a store another master key: contents are sealed anew one by one, while others read and write.
///
/// ``begin(_:)`` records both keys, each sealed for the holder of the other one, so that whoever opens the store by either
/// reads every content; new contents are sealed under the new one from then on. ``run(onProgress:)`` seals anew what there
/// is. ``finish(_:)`` moves the fingerprint and erases what the old key opens. Cut anywhere, another run goes on.
/// Used by one thread.
public final class Rekey {
    private static let page = 512
    /// How often contents are looked for that puts sealed under the old key meanwhile.
    private static let rounds = 100
    /// Seconds to wait for puts and backups under way, and for reads that keep the WAL.
    private static let patience: Int64 = 30

    private let store: Store
    /// Holds one of the keys.
    private let holder: KeyHierarchy
    private let lock: RekeyLock
    private var report = RekeyReport()

    /// Readies a rekey; no other program does one as long as this lives.
    ///
    /// - Parameters:
    ///   - store: opened with `holder`.
    ///   - holder: the store's key, or either key of a rekey that is under way.
    /// - Throws: `busy` while another program does one, `denied` on a disk that is read-only.
    public init(store: Store, holder: KeyHierarchy) throws {
        self.store = store
        self.holder = holder
        try store.catalog.requireWritable()
        lock = try RekeyLock(store.root)
        // One that was under way when the store was opened may have ended.
        try store.acceptKeys(holder)
        try store.learnKeys()
        // One that was killed right after its end has left this.
        if try generations().rekey.isEmpty { try eraseTraces(waitingAtMost: 0) }
        try store.blobs.removeStaleTemporaries()
    }

    /// Which keys the store has, and whether a rekey is under way.
    public func generations() throws -> KeyGenerations {
        try store.catalog.read { try $0.keyGenerations() }
    }

    // MARK: Beginning

    /// Begins a rekey to a new key, goes on with the one to that key that is under way, or turns one around.
    ///
    /// - Parameter new: the key that all contents get; the old one where a rekey to another is to be undone.
    /// - Throws: `usage` for the key that the store has, or while a rekey to a third key is under way; `busy` while
    ///   contents are being put or backed up for long.
    public func begin(_ new: KeyHierarchy) throws {
        let known = try generations()
        if known.rekey.isEmpty { try start(new) } else { try join(new, known) }
        try lock.awaitMounts()
    }

    private func join(_ new: KeyHierarchy, _ known: KeyGenerations) throws {
        guard let wanted = known.generation(of: new.fingerprint) else {
            throw OsnovaError(
                .usage, "a rekey to another phrase is under way: give that one, or take it back by --undo")
        }
        guard wanted != known.target?.generation else { return }
        try record(RekeyKeys(known, holder: holder).turned)
    }

    private func start(_ new: KeyHierarchy) throws {
        guard new.fingerprint != holder.fingerprint else {
            throw OsnovaError(.usage, "the new phrase is the one that the store has: nothing was changed")
        }
        // A backup under way has the database without the new key, and would get files that are sealed under it.
        let alone = try store.blobs.lockForRemoval(waitingAtMost: Self.patience)
        try withExtendedLifetime(alone) {
            let current = try generations().current
            let next = try store.catalog.read { try $0.nextGeneration() }
            try record(RekeyKeys(source: (current, holder), target: (next, new)))
        }
    }

    private func record(_ keys: RekeyKeys) throws {
        let members = try keys.members()
        // What is replaced holds keys too.
        try store.catalog.writeErasing { writing in
            try writing.setRekey(members)
            _ = try ComponentKeyCarrying(keys: keys).run(writing)
        }
        try store.learnKeys()
    }

    // MARK: Sealing anew

    /// Seals anew whatever is not sealed under the new key, and tells what cannot be.
    ///
    /// - Parameter onProgress: told the bytes just read.
    public func run(onProgress: (Int) -> Void = { _ in }) throws -> RekeyReport {
        let keys = try self.keys()
        let resealer = try Resealer(
            store: store, from: store.keys(of: keys.source.generation), to: store.keys(of: keys.target.generation))
        report.damaged = []
        report.missing = []
        try resealListed(resealer, target: keys.target.generation, onProgress)
        try resealUntracked(resealer, onProgress)
        return report
    }

    private func keys() throws -> RekeyKeys { try RekeyKeys(generations(), holder: holder) }

    private func resealListed(_ resealer: Resealer, target: Int64, _ onProgress: (Int) -> Void) throws {
        try forEachUnsealed(under: target) { record in
            try reseal(record.id, nonce: record.nonce, row: record.row, resealer, onProgress)
            return true
        }
        try resealer.commit()
    }

    /// Calls `body` with each blob whose file is another than the one that its row says is sealed under the target, until
    /// it returns false.
    ///
    /// A row alone is not believed: a run that was killed before a rekey was turned around leaves files newer than rows.
    private func forEachUnsealed(under target: Int64, _ body: (BlobRecord) throws -> Bool) throws {
        var row = Int64.min
        while true {
            let records = try store.catalog.read { try $0.blobs(after: row, limit: Self.page) }
            guard let last = records.last else { return }
            row = last.row
            for record in records where record.generation != target || !store.isSealed(record) {
                guard try body(record) else { return }
            }
        }
    }

    /// Sealed files that have no row, as another program or a run that was killed leaves them.
    private func resealUntracked(_ resealer: Resealer, _ onProgress: (Int) -> Void) throws {
        for id in try store.untrackedFiles() { try reseal(id, nonce: nil, row: nil, resealer, onProgress) }
        try resealer.commit()
    }

    private func reseal(
        _ id: ContentID, nonce: [UInt8]?, row: Int64?, _ resealer: Resealer, _ onProgress: (Int) -> Void
    ) throws {
        switch try resealer.reseal(id, nonce: nonce, onProgress: onProgress) {
        case .sealed: report.sealed += 1
        case .wasSealed: report.wasSealed += 1
        case .damaged(let reason): report.damaged.append(.init(sha256: id.hex, reason: reason))
        case .missing:
            // One that was removed since it was listed is nobody's.
            if let row, try store.catalog.read({ try $0.hasBlob(inRow: row) }) { report.missing.append(id.hex) }
        }
        if resealer.isFull { try resealer.commit() }
    }

    // MARK: Ending

    /// Ends the rekey: from now on the new key alone opens the store.
    ///
    /// - Parameters:
    ///   - onProgress: told the bytes of contents that were put under the old key meanwhile.
    ///   - moveVaults: gives the users' vaults the new master key; called once, when everything is sealed.
    /// - Returns: what the whole rekey did; it is not finished where a content cannot be sealed anew.
    /// - Throws: `busy` while contents are being put or backed up for long; the old key stays, and another run goes on.
    public func finish(onProgress: (Int) -> Void = { _ in }, moveVaults: (SecretBytes) throws -> Void) throws
        -> RekeyReport
    {
        let keys = try self.keys()
        try moveVaults(keys.target.keys.master)
        for _ in 0..<Self.rounds {
            if try close(keys) {
                try eraseTraces(waitingAtMost: Double(Self.patience))
                return report
            }
            let found = try run(onProgress: onProgress)
            guard found.isSound else { return report }
        }
        throw OsnovaError(.busy, "contents keep being put under the old key: end what puts them, and run this again")
    }

    /// Ends the rekey unless a content is left that is not sealed under the new key.
    private func close(_ keys: RekeyKeys) throws -> Bool {
        // Nobody is between the name of a file and its row.
        let alone = try store.blobs.lockForRemoval(waitingAtMost: Self.patience)
        return try withExtendedLifetime(alone) {
            let target = keys.target.generation
            var isWhole = try store.untrackedFiles().isEmpty
            try forEachUnsealed(under: target) { _ in
                isWhole = false
                return false
            }
            guard isWhole else { return false }
            // Files that another program or a run that was killed put there may lie in memory only, and nothing else opens
            // them once the old key is gone.
            try store.blobs.synchronizeDisk()
            try store.catalog.writeErasing { writing in
                report.carriedKeys = try ComponentKeyCarrying(keys: keys).run(writing)
                try writing.finishRekey()
            }
            report.isFinished = true
            try store.learnKeys()
            return true
        }
    }
}

extension Rekey {
    /// Empties the WAL and removes copies of the database: both may hold sealed keys of a rekey that has ended.
    private func eraseTraces(waitingAtMost seconds: Double) throws {
        report.isErased = try store.catalog.emptyWAL(waitingAtMost: seconds)
        let copies = try store.catalog.removeCopiesWithRekey()
        report.removedCopies += copies.removed
        report.unreadableCopies = copies.unreadable
    }
}

extension Store {
    /// Sealed files that have no row.
    fileprivate func untrackedFiles() throws -> [ContentID] {
        var found: [ContentID] = []
        try catalog.read { reading in
            try blobs.scan { entry in
                if case .blob(let id) = entry, try !reading.hasBlob(id) { found.append(id) }
                return true
            }
        }
        return found
    }
}
