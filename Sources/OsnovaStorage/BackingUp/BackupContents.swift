internal import Catalog
internal import Foundation
internal import Primitives

/// Everything that one generation consists of, checked as it is read.
struct BackupContents {
    let backup: String
    let manifest: BackupManifest
    /// The sealed files: content and path in the backup.
    let blobs: [(id: String, path: String)]
    /// Nil where the lists are not those that the manifest was made with: nothing tells then what the sealed files should be.
    private let checksums: ChecksumLists?

    /// Finds out which files a generation needs.
    ///
    /// - Parameters:
    ///   - database: the generation's, made by `BackupDatabases.restore`.
    ///   - needsChecksums: whether to throw where the checksum lists are damaged, instead of reading sealed files unchecked.
    /// - Throws: `damaged` where the checksum lists are not those that the manifest was made with.
    init(backup: String, manifest: BackupManifest, database: String, needsChecksums: Bool = true) throws {
        self.backup = backup
        self.manifest = manifest
        let missing = Set(manifest.missing)
        let known = try CatalogSnapshot.blobs(at: database).map(\.id.hex).filter { !missing.contains($0) }
        blobs = (known + manifest.untracked).map { id in
            (id, manifest.variants[id] ?? "\(BackupLayout.blobs)/\(id).enc")
        }
        guard blobs.count == manifest.blobCount,
            blobs.allSatisfy({ PrintablePath.path($0.path, below: backup) != nil })
        else {
            throw OsnovaError.damaged(
                "the manifest of \(manifest.generation) names other sealed files than its database: "
                    + "the backup was not made by this program")
        }
        let lists = try ChecksumLists(in: backup)
        checksums = try lists.digest(of: blobs.map(\.path)) == manifest.blobDigest ? lists : nil
        guard checksums != nil || !needsChecksums else {
            throw OsnovaError.damaged(
                "the checksum lists of \(backup) are not those of generation \(manifest.generation): "
                    + "a list is missing or damaged; 'restore --partial' takes the sealed files as they are")
        }
    }

    /// Whether sealed files are compared with what they were.
    var hasChecksums: Bool { checksums != nil }

    /// The SHA-256 of a sealed file as it was written.
    func sum(of path: String) -> String? { checksums?.sums[path] }

    /// Opens a sealed file.
    ///
    /// - Throws: `damaged` where it is missing.
    func openBlob(_ path: String) throws -> OwnedDescriptor { try open("\(backup)/\(path)") }

    /// The bytes of a sealed file, piece by piece; throws in the end where they are not what they were.
    ///
    /// - Parameter file: the file of that path, or one that shares its bytes.
    func readBlob(
        _ path: String, _ file: OwnedDescriptor, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try read("\(backup)/\(path)", file, sum: checksums.map { $0.sums[path] ?? "missing" }, body)
    }

    /// The bytes of another file.
    func readFile(_ entry: BackupManifest.Entry, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let sum = entry.sha256, ContentID(hex: sum) != nil else {
            throw OsnovaError.damaged("the manifest of \(manifest.generation) is malformed")
        }
        let path = "\(backup)/\(BackupLayout.files)/\(sum)"
        try read(path, open(path), sum: sum, body)
    }

    private func open(_ path: String) throws -> OwnedDescriptor {
        do {
            return try BackupFiles.open(path)
        } catch let error as OsnovaError where error.kind == .notFound {
            throw OsnovaError.damaged("\(path) is missing from the backup")
        }
    }

    /// - Parameter sum: nil where it is not known.
    private func read(
        _ path: String, _ file: OwnedDescriptor, sum: String?, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let digest = try SHA256()
        try BackupFiles.forEachReadablePiece(of: file, path) { piece in
            digest.update(piece)
            try body(piece)
        }
        let found = try digest.finish().hex
        guard sum == nil || found == sum else {
            throw OsnovaError.damaged("\(path) is damaged: it does not have its SHA-256")
        }
    }
}
