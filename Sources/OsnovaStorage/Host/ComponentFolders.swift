internal import CLinux
internal import Glibc
internal import Primitives
internal import Synchronization
internal import SystemPackage

/// The components' own directories, `components/<id>/` in the data root, watched so that looking at a component costs
/// nothing more than its row, and a new version's directory is seen at once.
///
/// Only two levels are watched: what lies below a version's directory is looked at when it is asked for.
final class ComponentFolders: Sendable {
    /// Components whose directory came, went or changed.
    struct Changes {
        var names: Set<[UInt8]> = []
    }

    private struct Times: Equatable {
        let modified: Int64
        let changed: Int64
    }

    private struct State {
        var folders: [[UInt8]: Times] = [:]
        var root: Int64?
        /// The component whose directory is watched, by the number of the watch.
        var watched: [Int32: [UInt8]] = [:]
    }

    private static let mask =
        UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO) | UInt32(IN_ATTRIB)
        | UInt32(IN_ONLYDIR)

    private let path: String
    private let notifications: OwnedDescriptor?
    private let state = Mutex(State())
    private let isFilled = Atomic(false)

    init(path: String) {
        self.path = path
        let number = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        notifications = number < 0 ? nil : OwnedDescriptor(FileDescriptor(rawValue: number))
        if let notifications { inotify_add_watch(notifications.number, path, Self.mask) }
        _ = rescan()
    }

    /// Whether there is any such directory: where there is none, nothing need be looked for.
    var hasAny: Bool { isFilled.load(ordering: .relaxed) }

    /// When a component's directory last came or went, in Unix nanoseconds.
    var rootModified: Int64? { state.withLock { $0.root } }

    /// When the entries of a component's directory last changed, in Unix nanoseconds; nil where there is none.
    func modified(_ name: some Collection<UInt8>) -> Int64? {
        guard hasAny else { return nil }
        return state.withLock { $0.folders[Array(name)]?.modified }
    }

    /// The names of all directories, sorted by their bytes.
    func names() -> [[UInt8]] {
        guard hasAny else { return [] }
        return state.withLock { $0.folders.keys.sorted { $0.lexicographicallyPrecedes($1) } }
    }

    /// Waits for a change, at most so many seconds.
    func wait(atMost seconds: Double) {
        guard let notifications else {
            usleep(useconds_t(seconds * 1e6))
            return
        }
        var event = pollfd(fd: notifications.number, events: Int16(POLLIN), revents: 0)
        poll(&event, 1, Int32(seconds * 1000))
    }

    /// What changed since the last call.
    func changes() -> Changes {
        guard let notifications else { return rescan() }
        let events = FolderEvent.waiting(in: notifications)
        guard !events.isEmpty else { return Changes() }
        // Before the scan, which gives watches to directories that came.
        let named = components(of: events)
        var changes = rescan()
        // A time may be the same as before: it can be set back, and two changes may fall into one tick of the clock.
        changes.names.formUnion(named ?? Set(names()))
        return changes
    }

    /// The components that events are about; nil where some were lost.
    private func components(of events: [FolderEvent]) -> Set<[UInt8]>? {
        state.withLock { state in
            var found: Set<[UInt8]> = []
            for event in events {
                if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return nil }
                // An event of no component's directory is one of the directory of all, and names the component.
                let name = state.watched[event.watch] ?? event.name
                if !name.isEmpty { found.insert(name) }
                if event.mask & UInt32(IN_IGNORED) != 0 { state.watched[event.watch] = nil }
            }
            return found
        }
    }

    private func rescan() -> Changes {
        var found: [[UInt8]: Times] = [:]
        var rootModified: Int64?
        if let root = try? BeneathDirectory(path: path) {
            rootModified = try? root.look().modified
            try? root.scan { name in
                // A watch first, so that what comes after this look is told.
                watch(Array(name))
                if let look = try? root.look(atName: name), look.type == S_IFDIR {
                    found[Array(name)] = Times(modified: look.modified, changed: look.changed)
                }
                return true
            }
        }
        isFilled.store(!found.isEmpty, ordering: .relaxed)
        return state.withLock { [rootModified, found] state in
            var changes = Changes()
            for (name, times) in found where state.folders[name] != times { changes.names.insert(name) }
            for name in state.folders.keys where found[name] == nil { changes.names.insert(name) }
            state.folders = found
            state.root = rootModified
            return changes
        }
    }

    /// Watches a directory, and no file; watching what is watched already changes nothing.
    private func watch(_ name: [UInt8]) {
        guard let notifications else { return }
        let watched = (Array(path.utf8) + [UInt8(ascii: "/")] + name + [0]).map { CChar(bitPattern: $0) }
        let number = inotify_add_watch(notifications.number, watched, Self.mask | UInt32(IN_DONT_FOLLOW))
        if number >= 0 { state.withLock { $0.watched[number] = name } }
    }
}
