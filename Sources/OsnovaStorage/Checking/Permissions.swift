internal import Glibc
internal import Primitives
internal import SystemPackage

/// Who may look at a data root: its owner alone.
enum Permissions {
    /// Directories and files, relative to the root, that are nobody else's business.
    private static let names = [".", "blobs", "identity", "components", "logs", "osnova.db"]

    /// Those of them that others may read or write.
    static func pathsOpenToOthers(in root: DataRoot) throws -> [String] {
        do {
            let directory = try SystemCalls.open(root.path, O_RDONLY | O_DIRECTORY)
            return try names.filter { name in
                do {
                    return try SystemCalls.status(at: directory, name).isOpenToOthers
                } catch let error as Errno where error == .noSuchFileOrDirectory {
                    return false
                }
            }.map { $0 == "." ? root.path : "\(root.path)/\($0)" }
        } catch let error as Errno {
            throw error.failure("looking at \(root.path)")
        }
    }

    /// Makes a path its owner's alone; links are not followed.
    static func close(_ path: String) throws {
        do {
            let file = try SystemCalls.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let mode = try SystemCalls.status(of: file).mode & 0o700
            guard fchmod(file.number, mode) == 0 else { throw Errno(rawValue: errno) }
        } catch let error as Errno {
            throw error.failure("changing the permissions of \(path)")
        }
    }
}
