internal import Blobs
internal import Catalog
internal import Glibc
public import Keyring
internal import Primitives
public import SystemPackage

/// What became of the import of a view.
public struct ImportReport: Sendable {
    /// A file of the view that is not what its name says.
    public struct Refusal: Sendable, Equatable {
        /// The path in the view.
        public let path: String
        /// Why, in words.
        public let reason: String
    }

    /// Contents that were sealed now.
    public internal(set) var sealed = 0
    /// Contents that an earlier, interrupted import had sealed.
    public internal(set) var alreadySealed = 0
    /// Files beside the catalog that were copied: identity, logs, the components' own.
    public internal(set) var copied = 0
    /// What was not taken.
    public internal(set) var refused: [Refusal] = []
    /// Contents that the database knows and the view lacks.
    public internal(set) var missing: [String] = []
    /// Files of the view that mean nothing to a store.
    public internal(set) var ignored: [String] = []

    /// Whether the new store is the whole old one.
    public var isComplete: Bool { refused.isEmpty && missing.isEmpty }
}

/// Turns a plain copy of a mount back into a data root.
///
/// The database comes first, then each content, sealed anew and checked against its name, then the files beside the
/// catalog. What does not match is named and left out. An import that was interrupted goes on where it was. Used once.
public final class ViewImport {
    /// Contents after which an interrupted import need not begin again.
    private static let checkpoint = 512

    private let view: FilePath
    private let root: DataRoot
    private let keys: KeyHierarchy
    private let onProgress: (Int) -> Void
    private var report = ImportReport()

    /// In a data root while its import is not finished.
    private var marker: String { "\(root.path)/.importing" }
    private static let knownNames: Set<String> = [
        "apps", "blobs", "cache", "components", "files", "identity", "logs", "osnova.db", "SHA256SUMS", ".changed",
        ".osnovafs", ".snapshots",
    ]

    /// Readies an import.
    ///
    /// - Parameters:
    ///   - view: the directory that holds the copy.
    ///   - root: where the store is to be; must not exist as one, or be one whose import was interrupted.
    ///   - keys: of the store that the view was of.
    ///   - onProgress: told the bytes just sealed.
    public init(
        view: FilePath, root: DataRoot, keys: KeyHierarchy, onProgress: @escaping (Int) -> Void = { _ in }
    ) {
        self.view = view
        self.root = root
        self.keys = keys
        self.onProgress = onProgress
    }

    /// Runs to the end and tells what was taken and what not.
    ///
    /// - Throws: `notFound` for no view, `damaged` for a database that is not sound, `denied` for another store's keys,
    ///   `cannotCreate` where a store is already.
    public func run() throws -> ImportReport {
        let lock = try installDatabase()
        return try withExtendedLifetime(lock) { try fill(Store.open(at: root, keys: keys)) }
    }

    private func fill(_ store: Store) throws -> ImportReport {
        // The database of a view remembers snapshots, whose files a view does not have.
        try store.catalog.write { writing in
            for snapshot in try writing.reading.snapshots() { try writing.removeSnapshot(snapshot) }
        }
        try copyFiles()
        try importListedBlobs(store)
        try importOtherBlobs(store)
        noteIgnored()
        try store.catalog.retryWaitingRows()
        try store.catalog.settle()
        try store.close()
        // What is missing may yet come from a better copy, by another run.
        if report.isComplete { try removeMarker() }
        return report
    }

    // MARK: The database

    /// - Returns: what keeps other imports out.
    private func installDatabase() throws -> OwnedDescriptor {
        if root.hasDatabase {
            let lock = try lock()
            guard access(marker, F_OK) == 0 else {
                throw OsnovaError(.cannotCreate, "\(root.path) is a data root already: import into a new one")
            }
            return lock
        }
        let source = view.appending("osnova.db")
        guard source.withPlatformString({ access($0, F_OK) }) == 0 else {
            throw OsnovaError(.notFound, "\(view.string) has no osnova.db: name the directory of a copied mount")
        }
        let isNew = access(root.path, F_OK) != 0
        // A wrong phrase leaves nothing behind.
        defer { if isNew, !root.hasDatabase { root.removeEmptyDirectories() } }
        if !isNew { root.closeEmptyDirectory() }
        try root.makeDirectories()
        let lock = try lock()
        guard !root.hasDatabase else { throw isUnderWay }
        try copyDatabase(source)
        return lock
    }

    private func copyDatabase(_ source: FilePath) throws {
        let copy = "\(root.path)/.import.db"
        let suffixes = ["", ".part", "-wal", "-shm", "-journal"]
        for suffix in suffixes { unlink(copy + suffix) }
        do {
            try HostCopy.file(
                PlainSource.openFile(source).file, to: Array(copy.utf8), by: "\(copy).part", mode: 0o600, modified: nil)
            try check(copy)
            _ = try SystemCalls.open(marker, O_WRONLY | O_CREAT, mode: 0o600)
            // A database without the mark of an import would pass for a whole store.
            try SystemCalls.synchronize(SystemCalls.open(root.path, O_RDONLY | O_DIRECTORY))
        } catch {
            for suffix in suffixes { unlink(copy + suffix) }
            switch error {
            case let failure as SourceFailure where failure.reason.kind == .usage:
                throw OsnovaError.damaged("\(source.string) is no database: it is no file")
            case let failure as SourceFailure: throw failure.reason
            case let failure as Errno:
                throw failure.failure("copying the database into \(root.path)", kind: .inputOutput)
            default: throw error
            }
        }
        CrashPoint.pass()
        guard rename(copy, root.database) == 0 else {
            throw Errno(rawValue: errno).failure("making \(root.database)", kind: .cannotCreate)
        }
    }

    /// The `flock(2)` of `components/`, which one import has.
    private func lock() throws -> OwnedDescriptor {
        do {
            let directory = try SystemCalls.open(root.components, O_RDONLY | O_DIRECTORY)
            guard try SystemCalls.tryLock(directory) else { throw isUnderWay }
            return directory
        } catch let error as Errno {
            throw error.failure("locking \(root.components)")
        }
    }

    private var isUnderWay: OsnovaError {
        OsnovaError(.busy, "another import into \(root.path) is under way: wait for its end")
    }

    /// The import is finished, and stays so.
    private func removeMarker() throws {
        try root.synchronizeDisk()
        do {
            let directory = try SystemCalls.open(root.path, O_RDONLY | O_DIRECTORY)
            try SystemCalls.remove(at: directory, ".importing")
            try SystemCalls.synchronize(directory)
        } catch {
            throw error.failure("removing \(marker)")
        }
    }

    private func check(_ copy: String) throws {
        let inspection: DatabaseInspection
        do {
            inspection = try DatabaseInspection(path: copy)
        } catch let error as OsnovaError {
            throw OsnovaError(error.kind, error.message.replacing(copy, with: view.appending("osnova.db").string))
        }
        guard inspection.keyFingerprints.isEmpty || inspection.keyFingerprints.contains(keys.fingerprint) else {
            throw OsnovaError(
                .denied,
                "this is a sound phrase, but not that of the store that \(view.string) is a copy of "
                    + "(a snapshot from before a rekey has the phrase of then)")
        }
    }

    // MARK: Contents

    private func importListedBlobs(_ store: Store) throws {
        let batch = try PutBatch(store: store)
        try store.forEachBlob { record in
            if store.isSealed(record) {
                report.alreadySealed += 1
            } else {
                try take(record.id, into: batch, isListed: true)
            }
        }
        try commit(batch)
    }

    /// Contents that came after the copied state of the database, as a backup of a living mount may have them.
    private func importOtherBlobs(_ store: Store) throws {
        let names: [[UInt8]]
        do {
            names = try DirectoryListing.names(in: view.appending("blobs"))
        } catch let error as OsnovaError where error.kind == .notFound {
            return
        } catch let error as OsnovaError {
            report.refused.append(.init(path: "blobs", reason: error.message))
            return
        }
        let batch = try PutBatch(store: store)
        for name in names {
            guard let id = ContentID(hex: name) else {
                if name != Array("SHA256SUMS".utf8) {
                    report.ignored.append("blobs/" + String(decoding: name, as: UTF8.self))
                }
                continue
            }
            if try !store.catalog.read({ try $0.hasBlob(id) }) { try take(id, into: batch, isListed: false) }
        }
        try commit(batch)
    }

    private func take(_ id: ContentID, into batch: PutBatch, isListed: Bool) throws {
        let path = view.appending("blobs").appending(id.hex)
        do {
            guard try batch.add(.file(path), expecting: id) else {
                report.refused.append(.init(path: "blobs/\(id)", reason: "its content is not what its name says"))
                return
            }
            report.sealed += 1
            onProgress(batch.lastSize)
        } catch let failure as SourceFailure {
            if failure.reason.kind == .notFound, isListed {
                report.missing.append(id.hex)
            } else {
                report.refused.append(.init(path: "blobs/\(id)", reason: failure.reason.message))
            }
        }
        if batch.isFull || batch.count >= Self.checkpoint { try commit(batch) }
    }

    private func commit(_ batch: PutBatch) throws {
        if let failure = try batch.commit().first { throw failure }
    }

    // MARK: Files beside the catalog

    /// Files that the new store has changed since must not become the old ones again: the marker then has a byte, and what
    /// was refused may yet come.
    private var hasCopiedFiles: Bool {
        get throws {
            do {
                return try SystemCalls.status(of: SystemCalls.open(marker, O_RDONLY)).size > 0
            } catch {
                throw error.failure("looking at \(marker)")
            }
        }
    }

    private func copyFiles() throws {
        let isLater = try hasCopiedFiles
        let copy = try HostCopy(from: view, to: root, keepingExisting: isLater) { path, reason in
            self.report.refused.append(.init(path: path, reason: reason))
        }
        try copy.run()
        report.copied = copy.count
        try root.synchronizeDisk()
        guard !isLater else { return }
        do {
            let file = try SystemCalls.open(marker, O_WRONLY)
            try [UInt8(ascii: "f")].withUnsafeBytes { try SystemCalls.write(file, $0) }
        } catch let error as Errno {
            throw error.failure("writing \(marker)", kind: .inputOutput)
        }
    }

    private func noteIgnored() {
        guard let names = try? DirectoryListing.names(in: view) else { return }
        for name in names.map({ String(decoding: $0, as: UTF8.self) }) where !Self.knownNames.contains(name) {
            report.ignored.append(name)
        }
    }
}
