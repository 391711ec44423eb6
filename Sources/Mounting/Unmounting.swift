internal import Glibc
internal import Primitives
internal import SystemPackage

/// Takes mounts away.
public enum Unmounting {
    /// Seconds that a driver may take to end after its mount is gone: it closes the database.
    private static let patience: Int32 = 10

    /// Unmounts what is mounted on `path`; a mount whose driver died or does not answer is cleared as well.
    ///
    /// Returns when the driver has ended as well, so that the store can be restored, moved or removed at once; sooner where
    /// the driver serves on, since the same mount is seen at another place, or cannot be seen from here.
    ///
    /// - Throws: `notFound` where the path does not exist or nothing of ours is mounted there, `busy` where a program uses
    ///   the mount, `denied` where it is another user's.
    public static func unmount(_ path: String) throws {
        let resolved: String
        do {
            resolved = try ResolvedPath.resolveMount(path)
        } catch {
            throw error.failure("unmounting \(path)")
        }
        guard let mounted = try MountTable.filesystem(at: resolved), mounted.isOwn else {
            throw OsnovaError(.notFound, "\(path) is not an osnovafs mount: nothing to unmount")
        }
        guard Liveness.of(resolved) == .answers else {
            abort(mounted.device)
            return try detach(resolved, lazily: true)
        }
        let driver = DriverReference(of: resolved)
        try detach(resolved, lazily: false)
        guard try !MountTable.read().contains(where: { $0.device == mounted.device }) else { return }
        driver?.waitForEnd(atMost: patience)
    }

    /// Has the kernel give up a driver that does not answer: who waits for it gets an error, and the driver itself, which may
    /// wait for the kernel in a way that no signal ends, can end.
    ///
    /// Only where the kernel's control files are to be had; elsewhere what waits does so until the driver is gone.
    private static func abort(_ device: String) {
        guard let number = device.split(separator: ":").last,
            let file = try? SystemCalls.open("/sys/fs/fuse/connections/\(number)/abort", O_WRONLY)
        else { return }
        try? Array("1".utf8).withUnsafeBytes { try SystemCalls.write(file, $0) }
    }

    /// Unmounts a resolved path; `lazily` also while programs use it.
    static func detach(_ path: String, lazily: Bool) throws {
        if geteuid() == 0 {
            guard umount2(path, Int32(UMOUNT_NOFOLLOW) | (lazily ? Int32(MNT_DETACH) : 0)) != 0 else { return }
            throw failure(path, Errno(rawValue: errno))
        }
        let outcome = try HelperProgram.run(["-u"] + (lazily ? ["-z"] : []) + ["--", path])
        guard outcome.status != 0 else { return }
        let isBusy = outcome.message.contains("busy")
        throw isBusy ? busy(path) : OsnovaError(.denied, "unmounting \(path): \(outcome.message)")
    }

    private static func failure(_ path: String, _ error: Errno) -> OsnovaError {
        error == .resourceBusy ? busy(path) : error.failure("unmounting \(path)")
    }

    private static func busy(_ path: String) -> OsnovaError {
        OsnovaError(.busy, "\(path) is in use: close the programs that use it (fuser -vm \(path)) and try again")
    }
}
