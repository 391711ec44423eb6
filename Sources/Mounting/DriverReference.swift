internal import CLinux
internal import Glibc
internal import Primitives
internal import SystemPackage

/// The process behind a mount, so that who unmounts can wait until it has let go of the store.
struct DriverReference {
    /// The attribute of the mount's root that holds the driver's process number, in decimal.
    ///
    /// Never listed: a backup of extended attributes would take every remount for a change.
    static let attributeName = "user.osnova.driver"

    private let process: OwnedDescriptor

    /// The driver of a mount that answers; nil where it does not tell, or is gone.
    init?(of mountpoint: String) {
        var text = [UInt8](repeating: 0, count: 20)
        let count = osnova_get_attribute(mountpoint, Self.attributeName, &text, text.count)
        guard count > 0, let number = pid_t(String(decoding: text.prefix(count), as: UTF8.self)) else { return nil }
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
