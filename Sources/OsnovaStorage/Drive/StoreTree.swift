internal import Blobs
internal import Catalog
internal import Foundation
internal import Glibc
public import Logging
internal import Primitives
internal import Sealing
public import Tree

/// A store as a tree of files for a driver.
///
/// `@unchecked Sendable` holds because the change feed is used by one thread at a time, as `FileTree` demands, and the
/// rest is safe by itself.
public final class StoreTree: FileTree, @unchecked Sendable {
    let store: Store
    let openBlobs = OpenBlobs()
    let seekTables = SeekTableCache()
    let tags = TagCache()
    let adoptions = AdoptionDesk()
    let corrections = LengthCorrections()
    let hostFiles = HostOpenFiles()
    let hostReads = HostReads()
    let folders: ComponentFolders
    let generated: GeneratedFiles
    let removedBlobs = RemovedBlobs()
    let database: DatabaseWatch
    let readMarks = ReadMarks()
    let prefetch: Prefetch
    let upkeepCounters = UpkeepCounters()
    /// What the driver counts.
    public let metrics = DriveMetrics()
    /// Tells a restoration that the data root is in use.
    private let rootLock: OwnedDescriptor
    private let feed: ChangeFeed
    private let names: CatalogReader
    private let log: Logger
    private var blobsModified: Int64 = 0
    private var hasMissedKey = false
    /// Since when, of the monotonic clock, another program's lock keeps rows from their nodes, or was last told of.
    private var lockedSince: UInt64?
    /// Components whose directory changed, until that is told.
    private var changedFolders: Set<[UInt8]> = []

    /// How long another program's change may stay unseen, in seconds.
    private static let pollInterval = 0.1
    /// Nanoseconds of another program's writing that are told of.
    private static let longLock: UInt64 = 10_000_000_000

    /// Makes a tree of an open store, which must have its keys.
    public init(store: Store, log: Logger) throws {
        _ = try store.keys()
        self.store = store
        self.log = log
        UnnamedFile.removeStale(in: store.root)
        folders = ComponentFolders(path: store.root.components)
        database = try DatabaseWatch(path: store.root.database)
        let books = Self.books(of: store, database, log)
        // What cannot be had at all is told before anything is mounted.
        _ = try books.current()
        generated = GeneratedFiles(
            maker: try FileMaker(store: store, books: books, metrics: metrics, upkeep: upkeepCounters))
        names = try CatalogReader(path: store.root.database)
        prefetch = Prefetch(
            source: PrefetchSource(
                store: store, database: database, openBlobs: openBlobs, seekTables: seekTables, tags: tags,
                corrections: corrections, readMarks: readMarks, metrics: metrics))
        rootLock = try store.lockAgainstRestoration()
        feed = try ChangeFeed(path: store.root.database)
    }

    deinit { prefetch.end() }

    /// Gives the kernel the blobs that a program will read next.
    public func attach(_ cache: (any PageCache)?) { prefetch.attach(cache) }

    /// Opens a connection to the database and buffers for one thread.
    public func makeWorker() throws -> any FileTreeWorker {
        try StoreTreeWorker(tree: self)
    }

    /// The same for the thread that verifies large blobs.
    public func makePatientWorker(until hasEnded: @escaping @Sendable () -> Bool) throws -> any FileTreeWorker {
        try StoreTreeWorker(tree: self, patientUntil: hasEnded)
    }

    /// The numbers of the data root's files, for one thread.
    func makeBooks() -> CurrentNumberBook { Self.books(of: store, database, log) }

    private static func books(of store: Store, _ database: DatabaseWatch, _ log: Logger) -> CurrentNumberBook {
        let reserve = DiskReserve(store.root)
        return CurrentNumberBook(path: store.root.numbers, allow: database.checkNow, makeRoom: { reserve.release() }) {
            log.notice("the numbers of the data root's files were damaged, and are begun anew")
        }
    }

    /// The data root, as pass-through files are found below it.
    func beneathRoot() throws -> BeneathDirectory {
        do {
            return try BeneathDirectory(path: store.root.path)
        } catch {
            throw error.failure("opening the data root \(store.root.path)")
        }
    }

    /// The kernel let go of an inode.
    public func forget(_ inode: UInt64, lookups: UInt64) {
        switch Inode(number: inode) {
        case .generated(let state): generated.forget(state, lookups: lookups)
        case .blob(let row): releaseRemoved(row)
        case .host(let number): hostFiles.remove(number)
        default: break
        }
    }

    /// A removed blob that no program has open is let go of at once; the kernel would never tell of forgetting it.
    public func settleRemoved(_ inode: UInt64, isHeld: Bool) {
        if !isHeld, case .blob(let row)? = Inode(number: inode) { releaseRemoved(row) }
    }

    private func releaseRemoved(_ row: Int64) {
        guard removedBlobs.release(row) else { return }
        // Who read its identity while it was being removed may have opened it since.
        openBlobs.remove(row)
        prefetch.forget(row)
    }

    /// Opens the files of removed blobs before the kernel hears of the removal: whoever has one open reads on.
    private func hold(_ changes: [TreeChange]) {
        // Which blobs were removed among so many changes, nobody can tell.
        if case .everything? = changes.first {
            openBlobs.removeAll()
            prefetch.forget()
        }
        for case .removed(FixedNode.blobs.inode.number, let name, let inode) in changes {
            guard case .blob(let row)? = Inode(number: inode), let id = ContentID(hex: name),
                removedBlobs.find(row) == nil
            else { continue }
            let open = openBlobs.find(row)
            // From here on the file is held for those alone who have it open, so that its room is free after them.
            openBlobs.remove(row)
            prefetch.forget(row)
            if let open {
                removedBlobs.hold(.init(open), row: row)
            } else if let file = try? store.blobs.open(id) {
                removedBlobs.hold(.init(id: id, row: row, file: file, probe: store.probe), row: row)
            }
        }
    }

    /// Waits for changes of the tree, whoever wrote them; none after `seconds`.
    public func nextChanges(waitingAtMost seconds: Double) throws -> [TreeChange] {
        let changes = try waitForChanges(atMost: seconds)
        corrections.handOver(changes)
        return changes
    }

    private func waitForChanges(atMost seconds: Double) throws -> [TreeChange] {
        let deadline = Clock.monotonic &+ UInt64(max(0, seconds) * 1e9)
        while true {
            if database.look() {
                noteDatabase()
                return DatabaseWatch.everyRootEntry
            }
            let changes = database.isInPlace ? try allChanges() : []
            if !changes.isEmpty { return changes }
            guard Clock.monotonic < deadline else { return [] }
            if database.isInPlace {
                folders.wait(atMost: Self.pollInterval)
            } else {
                // Events of the folders are not taken then, and would end the wait at once.
                usleep(useconds_t(Self.pollInterval * 1e6))
            }
        }
    }

    /// What others changed, here and there: what one look fails with holds up no other, and comes again.
    private func allChanges() throws -> [TreeChange] {
        let looks = [catalogChanges, folderChanges, hostChanges].map { look in Result { try look() } }
        let changes = looks.flatMap { (try? $0.get()) ?? [] }
        if changes.isEmpty { for look in looks { _ = try look.get() } }
        return changes
    }

    private func catalogChanges() throws -> [TreeChange] {
        let retrial = Result { try retryWaitingRowsIfFilesCame() }
        // Before the look at what waits: a row that comes after that is news again.
        guard try feed.hasNews() else {
            try retrial.get()
            return []
        }
        let settlement = Result { try !feed.hasDirtyRows() || settle() }
        noteRekey()
        let changes = try feed.next(isSettled: (try? settlement.get()) == true)
        hold(changes)
        // What has its node is told though other rows get none.
        if changes.isEmpty {
            _ = try settlement.get()
            try retrial.get()
        }
        return changes
    }

    /// Gives other programs' rows their nodes; false while one of them writes, which holds up neither what has its node, nor
    /// what lies beside the catalog, nor the end of the mount.
    ///
    /// - Throws: `busy` every ten seconds of it.
    private func settle() throws -> Bool {
        do {
            try store.catalog.settle(waitingAtMost: Self.pollInterval)
            lockedSince = nil
            return true
        } catch let error as OsnovaError where error.kind == .busy {
            let now = Clock.monotonic
            let since = lockedSince ?? now
            let isLong = now &- since >= Self.longLock
            lockedSince = isLong ? now : since
            if isLong { throw error }
            return false
        }
    }

    private func noteDatabase() {
        do {
            try database.check()
            log.warning("the database is back in its place")
        } catch {
            log.critical("\(error)")
        }
    }

    /// Learns the keys of a rekey that has begun: they are gone from the database when it ends.
    private func noteRekey() {
        do {
            try store.learnKeys()
            hasMissedKey = false
        } catch {
            // What was read before stays readable; every other read fails and says the same.
            if !hasMissedKey { log.error("contents cannot be read", metadata: ["reason": "\(error)"]) }
            hasMissedKey = true
        }
    }

    /// A component's directory came or went, or a version's directory in it.
    private func folderChanges() throws -> [TreeChange] {
        let components = FixedNode.components.inode.number
        changedFolders.formUnion(folders.changes().names)
        let changes = try changedFolders.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { name -> [TreeChange] in
            let own = try names.componentNode(named: name).map { TreeChange.changed(inode: Inode.node($0).number) }
            return [.added(directory: components, name: name)] + (own.map { [$0] } ?? [])
        }
        changedFolders.removeAll()
        return changes
    }

    /// Files of the data root that the kernel must let go of, or whose content it must not keep for long.
    private func hostChanges() -> [TreeChange] {
        let removed = hostFiles.newlyRemoved().map { file in
            TreeChange.removed(
                directory: Inode.host(file.directory).number, name: file.name, inode: Inode.host(file.number).number)
        }
        return removed + hostReads.takeDue().map { .changed(inode: $0) }
    }

    /// A row may name a blob whose file comes later.
    private func retryWaitingRowsIfFilesCame() throws {
        let modified = try store.blobs.modified()
        guard modified != blobsModified else { return }
        do {
            try store.catalog.retryWaitingRows(waitingAtMost: Self.pollInterval)
        } catch let error as OsnovaError where error.kind == .busy {
            // Another program writes: the next look comes soon.
            return
        }
        blobsModified = modified
    }

    /// Says how full the disk under `blobs/` is.
    public func diskUsage() throws -> DiskUsage {
        var disk = statvfs()
        guard statvfs(store.root.blobs, &disk) == 0 else {
            throw OsnovaError(.inputOutput, "the disk of \(store.root.path) does not answer")
        }
        return DiskUsage(
            blockSize: UInt64(disk.f_frsize), blocks: UInt64(disk.f_blocks), freeBlocks: UInt64(disk.f_bfree),
            availableBlocks: UInt64(disk.f_bavail), files: UInt64(disk.f_files), freeFiles: UInt64(disk.f_ffree))
    }

    /// Notes in the store's log why a read failed; the reader sees EIO alone.
    public func report(_ error: any Error, inode: UInt64) {
        log.error("a read failed", metadata: ["inode": "\(inode)", "reason": "\(error)"])
    }
}
