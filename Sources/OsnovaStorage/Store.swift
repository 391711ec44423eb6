internal import Blobs
public import Catalog
internal import Glibc
public import Keyring
internal import Primitives
internal import Sealing
internal import SystemPackage

/// An open data root: the database, the sealed blobs, and the order between them.
///
/// A blob is durable before its row is; a row goes before its file does. Safe to use from several threads and beside
/// other processes.
public final class Store: Sendable {
    /// Where the store lies.
    public let root: DataRoot
    /// The database.
    public let catalog: Catalog
    /// The data root as it was opened: another may get its path.
    let directory: OwnedDescriptor
    let blobs: BlobDirectory
    let probe: FileProbe
    /// Nil for a store that was opened for work that touches no content.
    let ring: KeyRing?

    private init(
        root: DataRoot, directory: OwnedDescriptor, catalog: Catalog, blobs: BlobDirectory, probe: FileProbe,
        ring: KeyRing?
    ) {
        self.root = root
        self.directory = directory
        self.catalog = catalog
        self.blobs = blobs
        self.probe = probe
        self.ring = ring
    }

    /// Makes a data root with a key of its own.
    ///
    /// - Parameters:
    ///   - compressing: whether new content is compressed; see `docs/format.md` for who can read it then.
    /// - Throws: `cannotCreate` where one is there already.
    public static func create(at root: DataRoot, keys: KeyHierarchy, compressing: Bool = false) throws {
        guard !root.hasDatabase else {
            throw OsnovaError(.cannotCreate, "\(root.path) is a data root already: nothing was changed")
        }
        let isNew = access(root.path, F_OK) != 0
        var isMade = false
        // Of two at once, the slower one has nothing to take back from the store of the other.
        defer { if isNew, !isMade, !root.hasDatabase { root.removeEmptyDirectories() } }
        if !isNew { root.closeEmptyDirectory() }
        try root.makeDirectories()
        try makeDatabase(in: root, keys, compressing)
        isMade = true
    }

    /// Begins the names of folders in which data roots are made.
    static let makingPrefix = ".making-"

    /// Under another name at first: a database that is not whole, above all one without a key, would pass for a store.
    private static func makeDatabase(in root: DataRoot, _ keys: KeyHierarchy, _ compressing: Bool) throws {
        let folder = try LockedFolder(in: root.path, prefix: makingPrefix)
        try withExtendedLifetime(folder) {
            let catalog = try Catalog(path: "\(folder.path)/osnova.db", creating: true) { _ in nil }
            try catalog.write { writing in
                try writing.setKeyFingerprint(keys.fingerprint)
                if compressing { try writing.setCompression(true) }
            }
            try catalog.close()
            do {
                let target = try SystemCalls.open(root.path, O_RDONLY | O_DIRECTORY)
                let source = try SystemCalls.open(folder.path, O_RDONLY | O_DIRECTORY)
                try SystemCalls.renameKeeping(at: source, "osnova.db", to: "osnova.db", in: target)
                try SystemCalls.synchronize(target)
            } catch let error as Errno {
                throw error.failure("making \(root.database)", kind: .cannotCreate)
            }
        }
    }

    /// Opens a data root; one whose disk is read-only as it is now, for reading alone.
    ///
    /// - Parameters:
    ///   - root: must hold a database; directories that another program left out are made.
    ///   - keys: nil for work that touches no content.
    ///   - willCopy: called before the databases of a disk that is read-only are copied to `$TMPDIR`, from where a program
    ///     that ends by a signal may want to remove them (``UnfinishedWork``).
    /// - Throws: `notFound` for no data root, `denied` for another store's keys, `damaged` for what is no database.
    public static func open(at root: DataRoot, keys: KeyHierarchy?, willCopy: () -> Void = {}) throws -> Store {
        try root.requireDatabase()
        let isWritable = try root.makeDirectoriesIfWritable()
        if !isWritable { willCopy() }
        let copies = isWritable ? nil : try DatabaseCopies(of: root)
        let root = copies.map { root.working(in: $0.path) } ?? root
        let directory = try root.open()
        let blobs = try BlobDirectory(path: root.blobs)
        let probe = try FileProbe(blobs: blobs, opening: keys)
        let catalog: Catalog
        do {
            let reserve = DiskReserve(root)
            reserve.releaseIfFull()
            catalog = try reserve.lend {
                try Catalog(path: root.database, copy: copies) { try probe.look(at: $0) }
            }
        } catch let error as OsnovaError {
            // Who finds the database damaged looks for it in the data root.
            throw OsnovaError(error.kind, error.message.replacing(root.workspace, with: root.path))
        }
        let ring = try keys.map { try KeyRing($0, catalog.read { try $0.keyGenerations() }) }
        if let ring { probe.use(ring) }
        let store = Store(
            root: root, directory: directory, catalog: catalog, blobs: blobs, probe: probe, ring: ring)
        if let keys { try store.acceptKeys(keys) }
        return store
    }

    /// Tells the store's own key from another's.
    ///
    /// - Throws: `denied` for another store's keys.
    func acceptKeys(_ keys: KeyHierarchy) throws {
        try KeyCheck(store: self).accept(keys)
    }

    /// Writes what removes something; on a full disk, where that takes room first, with what the store keeps for it.
    ///
    /// - Throws: as ``Catalog/write(_:)``, and what `body` throws, which runs twice there.
    public func remove<Result>(_ body: (Writing) throws -> Result) throws -> Result {
        try DiskReserve(root).lend { try catalog.write(body) }
    }

    /// Closes the database; nothing may use the store afterwards.
    public func close() throws {
        try catalog.close()
    }

    /// The keys that new contents are sealed under.
    func keys() throws -> SealingKeys {
        guard let target = ring?.target else {
            throw OsnovaError(.denied, "this needs the store's key: give a password or --phrase-file FILE")
        }
        return target
    }
}

extension Store {
    /// Bytes that sealing adds to a content.
    public static let sealingOverhead = SealedLayout.overhead
}

extension BlobRecord {
    /// Bytes of the sealed file.
    public var storedSize: Int64 { extent.fileSize }
}
