internal import Glibc
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

/// Writes a file that is complete or not there at all; one that exists is replaced and keeps its permissions.
///
/// Until then it is its owner's alone and has no name, or, on disks that want one, a short name that goes with the process.
struct WholeFile {
    private let path: FilePath
    /// What is there already.
    private let replaced: stat?

    /// - Parameter replaced: what is at the path, which is no link.
    init(_ path: FilePath, replacing replaced: stat?) {
        self.path = path
        self.replaced = replaced
    }

    /// Calls `body` with an empty file and gives it its name.
    ///
    /// - Parameter permissions: of a new file, from which those of the umask are taken.
    func write(permissions: FilePermissions, _ body: (OwnedDescriptor) throws -> Void) throws {
        UnfinishedWork.removeOnSignals()
        do {
            let parent = path.removingLastComponent()
            let folder = parent.isEmpty ? "." : parent
            // Beside the file, whose own name may leave no room for a suffix.
            let name = ".osnovafs-\(String(UInt64.random(in: .min ... .max), radix: 16))"
            let temporary = folder.appending(name)
            defer { UnfinishedWork.remove(temporary) }
            let directory = OwnedDescriptor(
                try FileDescriptor.open(
                    folder, .readOnly, options: [.directory, .closeOnExec, Self.withoutReading]))
            let unnamedFiles = SystemCalls.unnamedFiles(in: directory)
            let file =
                try unnamedFiles != .unsupported
                ? SystemCalls.openUnnamed(in: directory)
                : UnfinishedWork.enter(temporary) {
                    try SystemCalls.open(at: directory, name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
                }
            try body(file)
            giveAttributes(to: file, permissions)
            try SystemCalls.synchronize(file)
            if unnamedFiles != .unsupported {
                let isLinked = try UnfinishedWork.enter(temporary) {
                    try SystemCalls.link(file, at: directory, as: name)
                }
                guard isLinked else { throw Errno.notSupported }
                if unnamedFiles == .unjournaled { try SystemCalls.synchronize(file) }
            }
            let code = temporary.withPlatformString { old in path.withPlatformString { rename(old, $0) } }
            guard code == 0 else { throw Errno(rawValue: errno) }
        } catch let error as Errno {
            throw error.failure("writing \(path.string)", kind: .cannotCreate)
        }
    }

    /// `O_PATH`, which glibc shows under _GNU_SOURCE only: a directory that may be written to need not be readable.
    private static let withoutReading = FileDescriptor.OpenOptions(rawValue: 0o10_000_000)

    private func giveAttributes(to file: OwnedDescriptor, _ permissions: FilePermissions) {
        withExtendedLifetime(file) {
            if let replaced {
                // Only root can give a file away; whoever else replaces another's file has one of his own.
                _ = fchown(file.number, replaced.st_uid, replaced.st_gid)
                _ = fchmod(file.number, replaced.st_mode & 0o777)
            } else {
                let mask = umask(0o077)
                umask(mask)
                _ = fchmod(file.number, mode_t(permissions.rawValue) & ~mask)
            }
        }
    }
}
