internal import Glibc
internal import Primitives
internal import SystemPackage

/// The directory that holds a store, and where its parts lie in it.
public struct DataRoot: Sendable, Equatable {
    /// The directory, absolute.
    public let path: String
    /// Where the databases lie, and what is made of them: `path`, unless its disk is read-only.
    private(set) var workspace: String

    /// Names a directory, which need not exist.
    public init(path: String) {
        var path = path
        if !path.hasPrefix("/"), let current = getcwd(nil, 0) {
            defer { free(current) }
            path = "\(String(cString: current))/\(path)"
        }
        self.path = path
        workspace = path
    }

    /// The same data root with its databases elsewhere.
    func working(in workspace: String) -> DataRoot {
        var root = self
        root.workspace = workspace
        return root
    }

    /// The directory that a command uses: the one given, else `$OSNOVA_DATA_ROOT`, else
    /// `${XDG_DATA_HOME:-$HOME/.local/share}/osnova`.
    public static func resolve(_ given: String?, environment: [String: String]) throws -> DataRoot {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let given {
            guard !given.isEmpty else { throw OsnovaError(.usage, "--data-root is empty: name a directory") }
            return DataRoot(path: given)
        }
        if let root = value("OSNOVA_DATA_ROOT") { return DataRoot(path: root) }
        if let data = value("XDG_DATA_HOME") { return DataRoot(path: "\(data)/osnova") }
        if let home = value("HOME") { return DataRoot(path: "\(home)/.local/share/osnova") }
        throw OsnovaError(.usage, "no data root: give --data-root, or set OSNOVA_DATA_ROOT or HOME")
    }

    /// The database.
    public var database: String { "\(workspace)/osnova.db" }
    /// The sealed blobs.
    public var blobs: String { "\(path)/blobs" }
    /// The log of this program.
    public var log: String { "\(path)/logs/osnova.log" }

    /// The numbers of what the mount passes through (``NumberBook``).
    var numbers: String { "\(workspace)/\(Self.numbersName)" }
    static let numbersName = "view.db"
    /// What mounts found when they verified blobs (``UpkeepBook``).
    var upkeep: String { "\(workspace)/upkeep.db" }
    /// The components' own files.
    var components: String { "\(path)/components" }

    /// Whether a store is there.
    public var hasDatabase: Bool { access(database, F_OK) == 0 }

    /// Makes sure that a store is there.
    ///
    /// - Throws: `notFound` where none is.
    public func requireDatabase() throws {
        guard access(database, F_OK) == 0 else {
            if errno == EACCES { throw OsnovaError(.denied, "\(path) may not be entered: check its permissions") }
            throw OsnovaError(.notFound, "\(path) is no data root: make one with 'osnovafs init'")
        }
    }

    static let directories = ["blobs", "identity", "components", "logs", "logs/components"]

    /// Makes the directories that are missing, each 0700.
    func makeDirectories() throws {
        do {
            try makeMissing()
        } catch {
            throw error.failure("making the data root \(path)", kind: .cannotCreate)
        }
    }

    /// Makes the directories that are missing, each 0700; false on a disk that is read-only, where it makes none.
    func makeDirectoriesIfWritable() throws -> Bool {
        var disk = statvfs()
        if statvfs(path, &disk) == 0, disk.f_flag & UInt(ST_RDONLY) != 0 { return false }
        do throws(Errno) {
            try makeMissing()
            return true
        } catch .readOnlyFileSystem {
            // A disk that failed: its mount does not say so (ext4's errors=remount-ro).
            return false
        } catch {
            throw error.failure("making the data root \(path)", kind: .cannotCreate)
        }
    }

    private func makeMissing() throws(Errno) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { try makeParents() }
        let root = try SystemCalls.open(path, O_RDONLY | O_DIRECTORY)
        for name in Self.directories { try SystemCalls.makeDirectory(at: root, name) }
        try SystemCalls.synchronize(root)
    }

    /// Makes a directory its owner's alone that was made for the data root, as by `mkdir`: one with other things in it has
    /// other readers.
    func closeEmptyDirectory() {
        guard let stream = opendir(path) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard name == Array(".".utf8) || name == Array("..".utf8) else { return }
        }
        _ = fchmod(dirfd(stream), 0o700)
    }

    /// Takes `makeDirectories` back: what holds something stays.
    func removeEmptyDirectories() {
        for name in Self.directories.reversed() { rmdir("\(path)/\(name)") }
        rmdir(path)
    }

    /// Opens the directory itself.
    func open() throws -> OwnedDescriptor {
        do {
            return try SystemCalls.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw error.failure("opening the data root \(path)")
        }
    }

    /// Makes everything durable that was written to the data root's disk.
    func synchronizeDisk() throws {
        do {
            try SystemCalls.synchronizeDisk(of: SystemCalls.open(path, O_RDONLY | O_DIRECTORY))
        } catch {
            throw error.failure("writing \(path) to its disk", kind: .inputOutput)
        }
    }

    /// Makes the directory for files that are not what their names say, 0700, and names it.
    func makeQuarantine() throws -> String {
        do {
            let root = try SystemCalls.open(path, O_RDONLY | O_DIRECTORY)
            try SystemCalls.makeDirectory(at: root, "quarantine")
            try SystemCalls.synchronize(root)
            return "\(path)/quarantine"
        } catch {
            throw error.failure("making \(path)/quarantine", kind: .cannotCreate)
        }
    }

    private func makeParents() throws(Errno) {
        let components = path.split(separator: "/")
        for depth in 1...max(1, components.count) {
            let ancestor = "/" + components.prefix(depth).joined(separator: "/")
            if mkdir(ancestor, 0o700) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        }
    }
}
