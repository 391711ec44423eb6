internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing
internal import SystemPackage

/// How much of a content is stored.
enum StoredState {
    /// File and row agree.
    case sound
    /// There is no file.
    case absent
    /// There is a file that is not the content, or not all of it.
    case damaged
}

extension Store {
    /// Whether content is stored, so that it need not be written again.
    ///
    /// A file that nobody verified yet is verified here: `put` promises the content, not a file of its name.
    func state(of id: ContentID) throws -> StoredState {
        guard let status = try blobs.status(of: id) else { return .absent }
        if let record = try catalog.read({ try $0.blob(id) }), let nonce = record.nonce {
            let file = try blobs.open(id)
            if status.size == record.size + SealedLayout.overhead, try fileNonce(file) == nonce {
                return .sound
            }
        }
        do {
            _ = try adopt(id)
            return .sound
        } catch let error as OsnovaError where error.kind == .damaged {
            return .damaged
        }
    }

    /// The first 12 bytes of a sealed file; fewer where it is cut.
    func fileNonce(_ file: OwnedDescriptor) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(SealedLayout.nonceSize))
        do {
            let count = try bytes.withUnsafeMutableBytes { try SystemCalls.read(file, into: $0, at: 0) }
            return Array(bytes.prefix(count))
        } catch let error as Errno {
            throw error.failure("reading a sealed blob", kind: .inputOutput)
        }
    }
}
