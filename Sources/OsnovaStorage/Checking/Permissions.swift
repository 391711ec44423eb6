internal import Glibc
internal import Primitives
internal import SystemPackage

/// Who may look at a data root: its owner alone.
enum Permissions {
    /// Directories and files of a data root that are nobody else's business.
    private static func paths(of root: DataRoot) -> [String] {
        [root.path] + ["blobs", "identity", "components", "logs", "osnova.db"].map { "\(root.path)/\($0)" }
    }

    /// Those of them that others may read or write; where a link stands for one, what it leads to.
    static func pathsOpenToOthers(in root: DataRoot) throws -> [String] {
        try paths(of: root).filter { path in
            do {
                return try SystemCalls.status(path, followingLinks: true).isOpenToOthers
            } catch let error as Errno {
                if error == .noSuchFileOrDirectory { return false }
                throw error.failure("looking at \(path)")
            }
        }
    }

    /// Makes a path its owner's alone; no link is followed but one that stands for a folder of the data root.
    static func close(_ path: String, in root: DataRoot) throws {
        do {
            let following = paths(of: root).contains(path) ? 0 : O_NOFOLLOW
            let file = try SystemCalls.open(path, O_RDONLY | following | O_NONBLOCK)
            let mode = try SystemCalls.status(of: file).mode & 0o700
            guard fchmod(file.number, mode) == 0 else { throw Errno(rawValue: errno) }
        } catch Errno.noSuchFileOrDirectory {
            // A collection took it meanwhile.
        } catch let error as Errno {
            throw error.failure("changing the permissions of \(path)")
        }
    }
}
