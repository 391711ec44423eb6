internal import CLinux
internal import Glibc
internal import Primitives

/// What inotify tells of a directory that is watched.
struct FolderEvent {
    /// The number of the watch; -1 where events were lost.
    let watch: Int32
    /// What happened.
    let mask: UInt32
    /// The name in the directory that it happened to; empty for the directory itself.
    let name: [UInt8]

    /// The events that wait, oldest first.
    static func waiting(in notifications: OwnedDescriptor) -> [FolderEvent] {
        var events: [FolderEvent] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(notifications.number, &buffer, buffer.count)
            guard count > 0 else { return events }
            buffer.withUnsafeBytes { events += parse(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
        }
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer) -> [FolderEvent] {
        var events: [FolderEvent] = []
        var rest = bytes[...]
        let size = MemoryLayout<inotify_event>.size
        while rest.count >= size {
            let header = bytes.loadUnaligned(fromByteOffset: rest.startIndex, as: inotify_event.self)
            // The name is filled up with NUL.
            let name = rest.dropFirst(size).prefix(Int(header.len))
            events.append(FolderEvent(watch: header.wd, mask: header.mask, name: Array(name.prefix { $0 != 0 })))
            rest = rest.dropFirst(size + Int(header.len))
        }
        return events
    }
}
