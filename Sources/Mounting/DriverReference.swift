internal import CLinux
internal import Glibc
internal import Primitives
internal import SystemPackage

/// The process behind a mount, so that who unmounts can wait until it has let go of the store.
struct DriverReference {
    /// The attribute of the mount's root that names the driver's process: ``name``.
    ///
    /// Never listed: a backup of extended attributes would take every remount for a change.
    static let attributeName = "user.osnova.driver"

    /// What the driver says of itself: its process number, and the inode of the namespace in which that is its number.
    static var name: String? {
        guard let space = try? SystemCalls.status(of: SystemCalls.open("/proc/self/ns/pid", O_RDONLY)) else {
            return nil
        }
        return "\(getpid()) \(space.inode)"
    }

    private let process: OwnedDescriptor

    /// The driver of a mount; nil where it does not tell, is gone, or is out of sight in another namespace.
    init?(of mountpoint: String) {
        let text = PatientCall.answer { () -> String in
            var text = [UInt8](repeating: 0, count: 64)
            let count = osnova_get_attribute(mountpoint, Self.attributeName, &text, text.count)
            return String(decoding: text.prefix(max(0, count)), as: UTF8.self)
        }
        guard let parts = text?.split(separator: " "), parts.count == 2, let number = pid_t(parts[0]),
            let own = Self.name?.split(separator: " "), own.last == parts[1]
        else { return nil }
        let descriptor = osnova_open_process(number)
        guard descriptor >= 0 else { return nil }
        process = OwnedDescriptor(FileDescriptor(rawValue: descriptor))
    }

    /// Returns when the process has ended, or after `seconds`.
    func waitForEnd(atMost seconds: Int32) {
        var event = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
        poll(&event, 1, seconds &* 1000)
        withExtendedLifetime(process) {}
    }
}
