internal import Blobs
internal import Primitives

/// A sealed file of the store that is to be in a backup.
///
/// Used by one thread at a time.
final class StoredSealing {
    let id: ContentID
    let file: OwnedDescriptor
    let status: SystemCalls.Status
    let identity: SealingIdentity
    /// For messages.
    let path: String
    private var knownSum: String?

    /// - Throws: `notFound` where the store has no file of the content, `damaged` for one that cannot be read.
    init(of id: ContentID, in source: BlobDirectory) throws {
        self.id = id
        path = "\(source.path)/\(id.hex).enc"
        file = try source.openToCheck(id)
        do {
            status = try SystemCalls.status(of: file)
        } catch {
            throw error.failure("looking at \(path)")
        }
        identity = try UnreadableFiles.areDamaged { [file, path] in try SealingIdentity(of: file, path: path) }
    }

    /// Whether an open file is the same one, by another name.
    func isSame(as file: OwnedDescriptor) throws -> Bool {
        do {
            let other = try SystemCalls.status(of: file)
            return (other.device, other.inode) == (status.device, status.inode)
        } catch {
            throw error.failure("looking at \(path)")
        }
    }

    /// The SHA-256 of the file; read once.
    func sum() throws -> String {
        if let knownSum { return knownSum }
        let sum = try UnreadableFiles.areDamaged { try BackupFiles.sum(of: file, path).sum.hex }
        knownSum = sum
        return sum
    }
}
