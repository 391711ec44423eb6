internal import Blobs
internal import Catalog
internal import Glibc
internal import Primitives
internal import Sealing
internal import SystemPackage

/// A backup, another data root or a folder of sealed files, from which sound files can be had.
public struct RepairSource: Sendable {
    private let directories: [BlobDirectory]

    /// Opens the source: what is in it is believed only after it was verified.
    ///
    /// - Throws: `notFound` where there is no such directory.
    public init(path: String) throws {
        let candidates = ["\(path)/blobs"] + BackupLayout.otherSealings(in: path)
        let present = candidates.filter { access($0, F_OK) == 0 }
        directories = try (present.isEmpty ? [path] : present).map { try BlobDirectory(path: $0) }
    }

    /// Copies a sound sealed file of a content into a store and gives it its name; false where the source has none.
    func fetch(_ id: ContentID, into store: Store, audit: StoreAudit) throws -> Bool {
        for directory in directories {
            do {
                let incoming = try Self.copy(try directory.openToCheck(id), into: store.blobs)
                let finding = try audit.verify(file: incoming.content, id: id)
                try store.requireValid([finding.blob.generation])
                try incoming.synchronize()
                _ = try store.blobs.commit(incoming, as: id, replacing: true)
                try store.blobs.synchronize()
                _ = try store.catalog.write { try $0.record(VerifiedBlob(finding)) }
                return true
            } catch let error as OsnovaError where error.kind == .notFound || error.kind == .damaged {
                continue
            }
        }
        return false
    }

    private static func copy(_ file: OwnedDescriptor, into blobs: BlobDirectory) throws -> IncomingBlob {
        let incoming = try blobs.begin(replacing: true)
        let buffer = ScratchBuffer(count: 1 << 20)
        var offset: Int64 = 0
        while true {
            let count: Int
            do {
                count = try SystemCalls.read(file, into: buffer.bytes, at: offset)
            } catch {
                // What the source cannot read it does not have.
                throw OsnovaError.damaged("a sealed file of the source cannot be read: \(error)")
            }
            try incoming.write(UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(count)))
            offset += Int64(count)
            if count < buffer.bytes.count { return incoming }
        }
    }
}
