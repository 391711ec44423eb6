internal import Primitives

/// A directory in the data root for what is on its way to a backup elsewhere; gone when this is.
///
/// It has the layout of a backup. Its sealed files are hard links, so it costs no room, and what was looked at is what is
/// sent, whatever the store removes meanwhile.
final class BackupStaging {
    private static let prefix = ".backing-up-"

    private let rootLock: OwnedDescriptor
    private let folder: LockedFolder

    /// Makes an empty one; no restoration takes it away.
    init(in store: Store) throws {
        rootLock = try store.lockAgainstRestoration()
        folder = try LockedFolder(in: store.root.workspace, prefix: Self.prefix)
    }

    /// Where the backup is to be made; not there yet, since a backup has a lock of its own.
    var path: String { "\(folder.path)/backup" }

    /// Removes what killed runs left.
    static func removeStale(in root: DataRoot) { LockedFolder.removeStale(in: root.path, prefix: prefix) }
}
