internal import Glibc
internal import Primitives
internal import SystemPackage
internal import Tree

/// Copies what lies beside the catalog from a view into a data root: identity, logs, the components' own files.
///
/// A file that is there with the same size and time is taken as copied before; where the target is in use already, any
/// that is there. Used by one thread.
final class HostCopy {
    private let source: BeneathDirectory
    private let target: String
    private let keepsModes: Bool
    private let keepsExisting: Bool
    private let onRefusal: (_ path: String, _ reason: String) -> Void
    /// Files that are in place.
    private(set) var count = 0

    /// Why a device, a FIFO or a socket is refused.
    static let noFile = "it is no file, directory or link"
    private static let pieceSize = 1 << 20

    init(
        from view: FilePath, to root: DataRoot, keepingModes: Bool = false, keepingExisting: Bool = false,
        onRefusal: @escaping (String, String) -> Void
    ) throws {
        do {
            source = try BeneathDirectory(path: view.string)
        } catch {
            throw error.failure("reading \(view.string)")
        }
        target = root.path
        keepsModes = keepingModes
        keepsExisting = keepingExisting
        self.onRefusal = onRefusal
    }

    func run() throws {
        for name in ["identity", "logs"] { try copy([Array(name.utf8)]) }
        let components = Array("components".utf8)
        try refusing([components]) {
            for component in try names(at: [components]) {
                try refusing([components, component]) { try copyVersions(of: [components, component]) }
            }
        }
    }

    private func copyVersions(of component: [[UInt8]]) throws {
        for name in try names(at: component) {
            guard name.withUnsafeBytes({ ViewEntries.isVersion($0) }) else { continue }
            try makeDirectory(component)
            try copy(component + [name])
        }
    }

    /// The names in a directory, sorted; none where there is no such directory.
    private func names(at path: [[UInt8]]) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        let directory = try ifThere { try source.directory(at: Self.join(path)) }
        try directory?.scan {
            found.append(Array($0))
            return true
        }
        return found.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private static let absences: [Errno] = [
        .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels, .improperLink, .noSuchAddressOrDevice,
    ]

    /// Nil for what is not there, or lies behind a link: a mount does not show it either.
    private func ifThere<Result>(_ look: () throws -> Result) throws -> Result? {
        do {
            return try look()
        } catch let error as Errno where Self.absences.contains(error) {
            return nil
        }
    }

    /// Tells of what cannot be copied, and goes on with the next.
    private func refusing(_ path: [[UInt8]], _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as Errno {
            // What cannot be read says nothing about the next; a full disk does.
            guard error != .noSpace else { throw error.failure("copying \(Self.text(path))", kind: .inputOutput) }
            onRefusal(Self.text(path), "\(error)")
        }
    }

    /// Copies a file, a link or a directory with all it holds.
    private func copy(_ path: [[UInt8]]) throws {
        try refusing(path) {
            guard let look = try ifThere({ try source.look(at: Self.join(path)) }) else { return }
            switch look.type {
            case S_IFDIR:
                try makeDirectory(path)
                for name in try names(at: path) { try copy(path + [name]) }
                if !keepsExisting { setTime(path, look.modified) }
            case S_IFREG: try copyFile(path, look)
            case S_IFLNK: try copyLink(path)
            default: onRefusal(Self.text(path), Self.noFile)
            }
        }
    }

    private func makeDirectory(_ path: [[UInt8]]) throws {
        CrashPoint.pass()
        guard place(path, { mkdir($0, 0o700) }) != 0 else { return }
        guard errno == EEXIST else { throw Errno(rawValue: errno) }
        // A link of an earlier run must not lead out of the data root.
        var present = stat()
        guard place(path, { lstat($0, &present) }) == 0, present.st_mode & S_IFMT == S_IFDIR else {
            throw Errno.notDirectory
        }
    }

    private func copyFile(_ path: [[UInt8]], _ look: BeneathDirectory.Look) throws {
        var present = stat()
        let isThere = place(path, { lstat($0, &present) }) == 0
        let isSame =
            isThere
            && (keepsExisting
                || Int64(present.st_size) == look.size
                    && present.st_mtim.tv_sec == timespec(nanoseconds: look.modified).tv_sec)
        if !isSame {
            let file = try source.file(at: Self.join(path)).file
            let mode: mode_t = keepsModes ? look.mode & 0o777 : look.mode & 0o111 == 0 ? 0o600 : 0o700
            try Self.file(
                file, to: targetPath(path), by: "\(target)/.copying", mode: mode, modified: look.modified)
        }
        count += 1
    }

    private func copyLink(_ path: [[UInt8]]) throws {
        let content = (try source.target(at: Self.join(path)) + [0]).map { CChar(bitPattern: $0) }
        CrashPoint.pass()
        guard place(path, { symlink(content, $0) }) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
        count += 1
    }

    private func setTime(_ path: [[UInt8]], _ modified: Int64) {
        let times = Self.times(modified)
        _ = place(path) { utimensat(AT_FDCWD, $0, times, AT_SYMLINK_NOFOLLOW) }
    }

    // MARK: Paths

    private static func join(_ path: [[UInt8]]) -> [UInt8] { Array(path.joined(separator: [UInt8(ascii: "/")])) }

    private static func text(_ path: [[UInt8]]) -> String { String(decoding: join(path), as: UTF8.self) }

    private func targetPath(_ path: [[UInt8]]) -> [UInt8] { Array("\(target)/".utf8) + Self.join(path) }

    private func place(_ path: [[UInt8]], _ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
        (targetPath(path) + [0]).withUnsafeBytes { bytes in
            bytes.baseAddress.map { body($0.assumingMemoryBound(to: CChar.self)) } ?? -1
        }
    }

    fileprivate static func times(_ modified: Int64) -> [timespec] {
        [timespec](repeating: timespec(nanoseconds: modified), count: 2)
    }
}

extension HostCopy {
    /// Copies an open file; the new one is complete or not there.
    ///
    /// - Parameter temporary: what it is called until it is complete, on the same disk; what a killed run left there goes.
    static func file(
        _ source: OwnedDescriptor, to path: [UInt8], by temporary: String, mode: mode_t, modified: Int64?
    ) throws {
        let final = (path + [0]).map { CChar(bitPattern: $0) }
        unlink(temporary)
        CrashPoint.pass()
        let file = OwnedDescriptor(
            try FileDescriptor.open(
                FilePath(temporary), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: FilePermissions(rawValue: mode)))
        let piece = ScratchBuffer(count: pieceSize)
        while true {
            let count = try SystemCalls.readStream(source, into: piece.bytes)
            if count == 0 { break }
            try SystemCalls.write(file, UnsafeRawBufferPointer(rebasing: piece.bytes.prefix(count)))
        }
        try SystemCalls.synchronize(file)
        if let modified {
            let times = times(modified)
            _ = futimens(file.number, times)
        }
        CrashPoint.pass()
        guard rename(temporary, final) == 0 else { throw Errno(rawValue: errno) }
    }
}
