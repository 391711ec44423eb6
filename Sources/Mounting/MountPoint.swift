internal import Glibc
internal import Primitives
internal import SystemPackage

/// A directory that is fit to be mounted on.
public struct MountPoint: Sendable, Equatable {
    /// The absolute path, without links.
    public let path: String
    /// What the mount shows, for the list of mounts.
    let source: String

    /// Checks everything that would make a mount fail or harm, and clears a mount whose driver died.
    ///
    /// - Parameters:
    ///   - path: the directory to mount on.
    ///   - dataRoot: the data root that the mount shows; neither may lie within the other.
    ///   - options: `allow_other` needs a permission, and `nonempty` allows entries.
    /// - Throws: `unavailable` without FUSE, `notFound`, `usage`, `busy` for a mounted directory, `cannotCreate` for one
    ///   with entries, `denied`.
    public init(preparing path: String, dataRoot: String, options: MountOptions = MountOptions()) throws {
        try Prerequisites.check(options)
        self.path = try Self.resolve(path)
        source = (try? ResolvedPath.resolve(dataRoot)) ?? dataRoot
        try checkNesting(as: path)
        try clearDeadMount()
        if let mounted = try MountTable.filesystem(at: self.path), mounted.isOwn {
            throw OsnovaError(.busy, "\(path) is already mounted: unmount it first (osnovafs unmount \(path))")
        }
        try checkDirectory(as: path, options)
    }

    private static func resolve(_ path: String) throws -> String {
        do {
            return try ResolvedPath.resolveMount(path)
        } catch .noSuchFileOrDirectory {
            throw OsnovaError(.notFound, "\(path) does not exist: create the directory to mount on first")
        } catch .notDirectory {
            throw Self.noDirectory(path)
        } catch {
            throw error.failure("mounting on \(path)")
        }
    }

    private static func noDirectory(_ path: String) -> OsnovaError {
        OsnovaError(.usage, "\(path) is not a directory: name an empty directory to mount on")
    }

    private func checkNesting(as given: String) throws {
        if path.utf8.elementsEqual(source.utf8) {
            throw OsnovaError(.usage, "\(given) is the data root itself: mount on another directory")
        }
        if ResolvedPath.isWithin(path, source) {
            throw OsnovaError(.usage, "\(given) is inside the data root \(source): mount outside it")
        }
        if ResolvedPath.isWithin(source, path) {
            throw OsnovaError(.usage, "\(given) holds the data root \(source), which it would hide: mount elsewhere")
        }
    }

    private func clearDeadMount() throws {
        while true {
            switch Liveness.of(path) {
            case .answers: return
            case .silent:
                throw OsnovaError(
                    .busy, "the mount on \(path) does not answer: clear it (osnovafs unmount \(path)) and try again")
            case .dead: break
            }
            guard let mounted = try MountTable.filesystem(at: path), mounted.isOwn else {
                throw OsnovaError(
                    .busy, "\(path) is another program's dead mount: clear it (fusermount3 -u -z \(path))")
            }
            try Unmounting.detach(path, lazily: true)
        }
    }

    private func checkDirectory(as given: String, _ options: MountOptions) throws {
        let hasEntries: Bool
        do {
            hasEntries = try self.hasEntries()
        } catch .notDirectory {
            throw Self.noDirectory(given)
        } catch {
            throw error.failure("mounting on \(given)")
        }
        if geteuid() != 0, access(path, W_OK) != 0 {
            throw OsnovaError(.denied, "\(given) is not writable for you: mount on a directory of your own")
        }
        if hasEntries, !options.allowsNonEmpty {
            throw OsnovaError(
                .cannotCreate, "\(given) is not empty: mount on an empty directory, or allow it with -o nonempty")
        }
    }

    private func hasEntries() throws(Errno) -> Bool {
        guard let directory = opendir(path) else { throw Errno(rawValue: errno) }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 } }
            if name != Array(".".utf8), name != Array("..".utf8) { return true }
        }
        return false
    }
}
