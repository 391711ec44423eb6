internal import Catalog
internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// The place of a data root that is to be replaced, locked as long as this lives.
final class RestoreTarget {
    /// Without links: what is replaced is what a link leads to, not the link.
    private let root: DataRoot
    private let parent: OwnedDescriptor
    private let name: String
    private let isThere: Bool
    private var lock: OwnedDescriptor?

    /// Looks whether the data root may be replaced.
    ///
    /// - Throws: `busy` while it is in use, unless `force`; `cannotCreate` for what is no data root and not empty, and for
    ///   a mount point, which nothing can take the place of.
    init(_ root: DataRoot, force: Bool) throws {
        let root = DataRoot(path: RealPath.resolve(root.path))
        self.root = root
        let path = FilePath(root.path)
        guard let last = path.lastComponent else { throw OsnovaError(.usage, "/ cannot be a data root") }
        name = last.string
        let above = path.removingLastComponent().string
        try BackupFiles.makeDirectory(above)
        do {
            parent = try SystemCalls.open(above, O_RDONLY | O_DIRECTORY)
        } catch {
            throw error.failure("opening \(above)")
        }
        isThere = access(root.path, F_OK) == 0
        if isThere { try refuseMountPoint() }
        if isThere, !force { try refuseIfUsed() }
    }

    private func refuseMountPoint() throws {
        do {
            let device = try SystemCalls.status(of: SystemCalls.open(root.path, O_RDONLY | O_DIRECTORY)).device
            guard try SystemCalls.status(of: parent).device != device else { return }
        } catch {
            throw error.failure("opening \(root.path)", kind: .cannotCreate)
        }
        throw OsnovaError(
            .cannotCreate,
            "\(root.path) is where a disk is mounted, and cannot be replaced: name a directory on it with --data-root")
    }

    private func refuseIfUsed() throws {
        let names = try BackupFiles.allNames(in: root.path)
        guard names.isEmpty || access(root.database, F_OK) == 0 else {
            throw OsnovaError(
                .cannotCreate, "\(root.path) is no data root and not empty: name another with --data-root")
        }
        lock = try RootLock.exclusive(root)
        guard !names.isEmpty else { return }
        do {
            let catalog = try Catalog(path: root.database) { _ in nil }
            defer { try? catalog.close() }
            for running in try catalog.read({ try $0.runningProcesses() }) where Self.isAlive(running.processID) {
                throw OsnovaError(
                    .busy, "component \(running.component) runs as process \(running.processID): stop it, or --force")
            }
        } catch let error as OsnovaError where error.kind == .damaged {
            // A database that cannot be read is what a restoration is for.
        }
    }

    private static func isAlive(_ number: Int64) -> Bool {
        guard let process = pid_t(exactly: number), process > 0 else { return false }
        return kill(process, 0) == 0 || errno == EPERM
    }

    /// Gives the old data root a telling name; where that fails, the one that it has must do.
    private func keep(_ old: String) -> String {
        let wish = "\(name).before-restore-\(Clock.seconds)"
        for number in 1..<1000 {
            let kept = number == 1 ? wish : "\(wish)-\(number)"
            do {
                try SystemCalls.renameKeeping(at: parent, old, to: kept)
                return kept
            } catch {
                guard error == .fileExists else { return old }
            }
        }
        return old
    }

    // MARK: Replacing

    /// A path beside the data root for a folder that is being filled; what a killed restoration left is removed.
    ///
    /// A folder of that name is nothing yet. One that may be an old data root, or is complete, has another name.
    func freshFolder() throws -> String { try freshPath(prefix) }

    /// A new folder beside the data root for a backup that is fetched, on the disk where its files will be.
    func fetchFolder() throws -> String {
        let path = try freshPath(fetchPrefix)
        try BackupFiles.makeDirectory(path)
        return path
    }

    /// Removes what was fetched.
    func removeFetched() { try? FileManager.default.removeItem(atPath: beside("\(fetchPrefix)\(getpid())")) }

    private func freshPath(_ prefix: String) throws -> String {
        let above = FilePath(root.path).removingLastComponent().string
        for stale in [self.prefix, fetchPrefix] {
            for other in try BackupFiles.names(in: above) where other.hasPrefix(stale) {
                guard let process = Int64(other.dropFirst(stale.count)), !Self.isAlive(process) else { continue }
                try? FileManager.default.removeItem(atPath: beside(other))
            }
        }
        let path = beside("\(prefix)\(getpid())")
        UnfinishedWork.enter(path)
        return path
    }

    deinit {
        for prefix in [prefix, fetchPrefix] { UnfinishedWork.leave(beside("\(prefix)\(getpid())")) }
    }

    private func beside(_ name: String) -> String {
        FilePath(root.path).removingLastComponent().appending(name).string
    }

    private var prefix: String { "\(name).restoring-" }
    private var fetchPrefix: String { "\(name).fetching-" }

    /// Puts the filled folder in the place of the data root, in one step.
    ///
    /// - Returns: where the old data root is now; nil where there was none.
    func replaceWithFolder() throws -> String? {
        let complete = "\(name).restored-\(getpid())"
        // A folder takes the place of none that holds anything, on any disk.
        try placing("\(prefix)\(getpid())") { folder throws(Errno) in
            try SystemCalls.rename(at: parent, folder, to: complete)
        }
        try placing(complete) { folder throws(Errno) in
            if isThere {
                try SystemCalls.exchange(at: parent, folder, name)
            } else {
                try SystemCalls.rename(at: parent, folder, to: name)
            }
        }
        let kept = isThere ? beside(keep(complete)) : nil
        do {
            try SystemCalls.synchronize(parent)
        } catch {
            throw error.failure(
                "\(root.path) is restored, but a power cut may undo that: check the disk; synchronizing it",
                kind: .inputOutput)
        }
        return kept
    }

    /// Gives a filled folder another name; where that fails, nothing has changed places, and the folder goes.
    private func placing(_ folder: String, _ rename: (String) throws(Errno) -> Void) throws {
        do {
            try rename(folder)
        } catch {
            try? FileManager.default.removeItem(atPath: beside(folder))
            throw failure(error)
        }
    }

    private func failure(_ error: Errno) -> OsnovaError {
        // What disks say that know no RENAME_EXCHANGE, as those of some networks.
        guard isThere, error == .invalidArgument else {
            return error.failure("putting the restored data root in the place of \(root.path)", kind: .cannotCreate)
        }
        return OsnovaError(
            .cannotCreate,
            "the disk of \(root.path) cannot exchange two directories: give that one another name, and run this again")
    }
}
