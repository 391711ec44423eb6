internal import Blobs
internal import Catalog
internal import Primitives

/// What a backup wrote.
public struct BackupReport: Sendable {
    /// A file or directory beside the catalog that cannot be read.
    public struct Unreadable: Sendable, Equatable {
        /// Relative to the data root; bytes that are not printable ASCII are `%XX`.
        public let path: String
        /// Why, in words.
        public let reason: String
        /// Whether the generation has what the one before it had there.
        public let isKept: Bool
    }

    /// The name of the new generation.
    public let generation: String
    /// Sealed files of the generation.
    public let blobs: Int
    /// Bytes that were written, database, list and manifest included.
    public internal(set) var writtenBytes: Int64
    /// Bytes of sealed files that were taken by reflink or hard link, and take no room of their own.
    public internal(set) var sharedBytes: Int64
    /// Blobs that have no file, or none that can be read, and no earlier copy of that one: the generation lacks them.
    public let missing: [String]
    /// Blobs whose file cannot be read, and why: of those that are not missing the earlier copy is kept.
    public let unreadable: [VerificationReport.Damage]
    /// What of the files beside the catalog cannot be read, and nobody needs in order to have the rest.
    public let unreadableFiles: [Unreadable]
    /// Blobs whose file differs from an earlier copy of the same sealing: one of the two is damaged, and both are kept.
    public let doubles: [String]
    /// What is wrong with earlier generations whose manifests are damaged.
    public internal(set) var damaged: [String]
}

/// Backs a store up into a directory, sealed as it is; needs no key.
///
/// Each run makes a generation: a consistent copy of the database while others write, and of the rest what the directory
/// lacks. The manifest comes last: a run that is killed leaves no generation, and the next one goes on with what it wrote.
/// No blob is removed from the store meanwhile, and no restoration replaces it.
public struct Backup {
    private let store: Store
    private let path: String
    private let sharing: BackupSharing
    private let comparesAll: Bool
    private let far: FarBackup?
    private let onProgress: (Int) -> Void

    /// Readies a backup into a directory.
    ///
    /// - Parameters:
    ///   - sharing: how sealed files come there.
    ///   - comparesAll: whether each sealed file is compared with its copy, and not only what was changed since the
    ///     newest generation.
    ///   - onProgress: told the bytes just copied.
    public init(
        store: Store, to path: String, sharing: BackupSharing = .reflink, comparesAll: Bool = false,
        onProgress: @escaping (Int) -> Void = { _ in }
    ) throws {
        self.store = store
        self.path = DataRoot(path: path).path
        self.sharing = sharing
        self.comparesAll = comparesAll
        far = nil
        self.onProgress = onProgress
        guard !RealPath.lies(self.path, in: store.root.path) else {
            throw OsnovaError(.usage, "\(path) lies in the data root: a backup must lie elsewhere")
        }
    }

    /// Readies the part of a backup that is then sent elsewhere.
    ///
    /// - Parameter far: what is there already; nil for a backup that is sent as a whole.
    init(store: Store, staging: BackupStaging, far: FarBackup? = nil, onProgress: @escaping (Int) -> Void) {
        self.store = store
        path = staging.path
        // What is staged is gone in a moment, and what it names must stay the same file until then.
        sharing = .hardLink
        // Of what is elsewhere, times and lists tell.
        comparesAll = true
        self.far = far
        self.onProgress = onProgress
    }

    /// Makes a generation.
    ///
    /// - Throws: `denied` for another store's backup, `busy`, `inputOutput` for a full disk: run it again, it goes on.
    public func run() throws -> BackupReport {
        let rootLock = try store.lockAgainstRestoration()
        let lock = try store.blobs.lockAgainstRemoval()
        return try withExtendedLifetime((rootLock, lock)) {
            // No rekey ends from here on: the marker, the database and the sealed files are of one key.
            let fingerprint = try store.catalog.read { try $0.keyFingerprint() }.map { Hexadecimal.string($0) }
            let place = try BackupPlace(making: path, keyFingerprint: fingerprint)
            try place.removeTemporaries()
            let earlier = try place.generations()
            // A run that was killed left no more than a list, which is not to be replaced: what it names is there.
            let lists = try BackupFiles.names(in: "\(path)/\(BackupLayout.checksums)")
            let generation = GenerationName.next(after: earlier.names + lists)
            let sequence = try earlier.nextSequence()
            // The database first: every file that it names is there by then.
            let databases = BackupDatabases(backup: path)
            let copy = try databases.freshTemporary()
            try store.catalog.copy(to: copy)
            let places = try SealingPlaces(
                backup: path, earlier: EarlierSealings(earlier.sound.last, comparesAll: comparesAll), far: far?.files)
            let blobs = try BackupBlobs(
                source: store.blobs, backup: path, generation: generation, places: places, sharing: sharing,
                onProgress: onProgress)
            try blobs.copy(CatalogSnapshot.blobs(at: copy))
            let added = places.checksums.added
            let listBytes = try added.isEmpty ? 0 : ChecksumLists.write(added, as: generation, in: path)
            var entries = BackupEntries(
                root: store.root, backup: path, earlier: earlier.sound.last?.entries ?? [], far: far?.files,
                onProgress: onProgress)
            try entries.copy()
            let whole = earlier.sound.last?.database.whole
            if let whole { try far?.fetchDatabase(whole.name, resembling: copy) }
            let (database, written) = try databases.keep(copy, as: generation, whole: whole)
            // One that was forced waits for no lock.
            try store.requireInPlace()
            let manifestBytes = try place.write(
                BackupManifest(
                    generation: generation, sequence: sequence, keyFingerprint: fingerprint, database: database,
                    entries: entries.entries, blobs: blobs,
                    blobDigest: places.checksums.digest(of: blobs.paths)))
            return BackupReport(
                generation: generation, blobs: blobs.paths.count,
                writtenBytes: blobs.copiedBytes + entries.copiedBytes + written + listBytes + manifestBytes,
                sharedBytes: blobs.sharedBytes,
                missing: blobs.missing, unreadable: blobs.unreadable,
                unreadableFiles: entries.unreadable, doubles: places.doubles,
                damaged: earlier.damaged.map(\.error.message))
        }
    }
}
