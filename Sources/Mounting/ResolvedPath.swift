internal import CFuse
internal import Glibc
internal import Primitives
internal import SystemPackage

/// Absolute paths without links, as the mount table has them.
enum ResolvedPath {
    /// `realpath(3)`.
    static func resolve(_ path: String) throws(Errno) -> String {
        guard let resolved = realpath(path, nil) else { throw Errno(rawValue: errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The path of a mount that may be dead: its own last component is not looked at where it cannot be.
    static func resolveMount(_ path: String) throws(Errno) -> String {
        do {
            return try resolve(path)
        } catch {
            guard error == .socketNotConnected else { throw error }
            var parts = FilePath(path)
            guard let name = parts.lastComponent else { throw error }
            parts.removeLastComponent()
            let parent = try resolve(parts.isEmpty ? "." : parts.string)
            return FilePath(parent).appending(name).string
        }
    }

    /// The errno of `statvfs(3)`, 0 where a path is there; a mount's root waits until the mount answers.
    ///
    /// Not `stat`: the kernel would answer that from its cache for a driver that is dead.
    static func probe(_ path: String) -> Int32 {
        var disk = statvfs()
        return statvfs(path, &disk) == 0 ? 0 : errno
    }

    /// Whether a resolved path is a directory's own or below it.
    static func isWithin(_ path: String, _ directory: String) -> Bool {
        FilePath(path).starts(with: FilePath(directory))
    }
}
