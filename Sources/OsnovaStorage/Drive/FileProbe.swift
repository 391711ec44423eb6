internal import Blobs
internal import Keyring
internal import Primitives
internal import Sealing
internal import Synchronization

/// Tells how long sealed files seem to be that nobody verified yet.
///
/// The catalog asks it while it is being opened already, before it can tell which keys the store has: until then, what the
/// store is opened with has to do.
final class FileProbe: Sendable {
    private let blobs: BlobDirectory
    private let opening: [SealingKeys]
    private let ring = Mutex<KeyRing?>(nil)

    /// - Parameter opening: nil where there are none: then a compressed blob is taken for a plain one, until a mount, which
    ///   has keys, looks at it.
    init(blobs: BlobDirectory, opening keys: KeyHierarchy?) throws {
        self.blobs = blobs
        opening = try keys.map { [try SealingKeys(blobKey: $0.blobKey, tagKey: $0.tagKey)] } ?? []
    }

    /// Takes the store's keys, which may become more.
    func use(_ ring: KeyRing) {
        self.ring.withLock { $0 = ring }
    }

    /// How long a sealed file seems to be, without any verification, and its age; nil where there is none.
    func look(at id: ContentID) throws -> (extent: BlobExtent, created: Int64)? {
        guard let status = try blobs.status(of: id), let length = SealedLayout.plaintextLength(ofFile: status.size)
        else { return nil }
        // A file that cannot be read is told by whoever reads it.
        let extent = try? extent(of: blobs.open(id))
        return (extent ?? BlobExtent(plain: length), status.modified)
    }

    /// How long an open sealed file seems to be; nil for what is no sealed file.
    func extent(of file: OwnedDescriptor) throws -> BlobExtent? {
        try (ring.withLock { $0 }?.all ?? opening).guessExtent(of: file)
    }
}
