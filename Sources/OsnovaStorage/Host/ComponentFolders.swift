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

    private struct Found {
        var folders: [[UInt8]: Times] = [:]
        var root: Int64?
        /// Whether the kernel tells of each change: it grants a user so many watches and no more.
        var isWatched = true
        /// The component whose directory is watched, by the number of the watch; an empty name is the directory of all.
        var watches: [Int32: [UInt8]] = [:]
    }

    private struct State {
        var found = Found()
        /// Why the directories of now cannot be told; nil where they can.
        var failure: OsnovaError?
    }

    private static let mask =
        UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO) | UInt32(IN_ATTRIB)
        | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)

    private let path: String
    private let notifications: OwnedDescriptor?
    private let state = Mutex(State())
    private let isFilled = Atomic(false)

    init(path: String) {
        self.path = path
        let number = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        notifications = number < 0 ? nil : OwnedDescriptor(FileDescriptor(rawValue: number))
        _ = rescan()
    }

    /// Whether there is any such directory, or may be: where there is none, nothing need be looked for.
    var hasAny: Bool { isFilled.load(ordering: .relaxed) }

    /// When a component's directory last came or went, in Unix nanoseconds.
    func rootModified() throws -> Int64? { try found().root }

    /// When the entries of a component's directory last changed, in Unix nanoseconds; nil where there is none.
    func modified(_ name: some Collection<UInt8>) throws -> Int64? {
        guard hasAny else { return nil }
        return try found().folders[Array(name)]?.modified
    }

    /// The names of all directories, sorted by their bytes.
    func names() throws -> [[UInt8]] {
        guard hasAny else { return [] }
        return try found().folders.keys.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func found() throws -> Found {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.found
        }
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
        // What could not be read may be readable again, of which no event tells.
        let isTold = state.withLock { $0.failure == nil && $0.found.isWatched }
        guard !events.isEmpty || !isTold else { return Changes() }
        // Before the scan, which gives watches to directories that came.
        let named = components(of: events)
        var changes = rescan()
        // A time may be the same as before: it can be set back, and two changes may fall into one tick of the clock.
        changes.names.formUnion(named ?? Set(state.withLock { Array($0.found.folders.keys) }))
        return changes
    }

    /// The components that events are about; nil where some were lost.
    private func components(of events: [FolderEvent]) -> Set<[UInt8]>? {
        let watches = state.withLock { $0.found.watches }
        var found: Set<[UInt8]> = []
        for event in events {
            if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return nil }
            // The directory of all names the component; what comes of a watch that is given up does no harm.
            let name = watches[event.watch].flatMap { $0.isEmpty ? nil : $0 } ?? event.name
            if !name.isEmpty { found.insert(name) }
        }
        return found
    }

    private func rescan() -> Changes {
        do {
            return note(try scan())
        } catch {
            state.withLock { $0.failure = error }
            isFilled.store(true, ordering: .relaxed)
            return Changes()
        }
    }

    private func scan() throws(OsnovaError) -> Found {
        do {
            // Watches first, so that what comes after a look is told.
            let number = watch(Array(path.utf8), flags: 0)
            let root = try BeneathDirectory(path: path)
            var found = Found(root: try root.look().modified, isWatched: number != nil)
            if let number { found.watches[number] = [] }
            try root.scan { name in
                func look() throws -> BeneathDirectory.Look? {
                    try HostFiles.ifThere { try root.look(atName: name) }.flatMap { $0.type == S_IFDIR ? $0 : nil }
                }
                guard try look() != nil else { return true }
                let number = watch(component: Array(name))
                if let number { found.watches[number] = Array(name) } else { found.isWatched = false }
                if let look = try look() {
                    found.folders[Array(name)] = Times(modified: look.modified, changed: look.changed)
                }
                return true
            }
            return found
        } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
            // Looked for again and again, since nothing tells of its coming.
            return Found(isWatched: false)
        } catch let error as OsnovaError {
            throw error
        } catch {
            throw OsnovaError(.inputOutput, "reading \(path): \(error)")
        }
    }

    private func note(_ found: Found) -> Changes {
        isFilled.store(!found.folders.isEmpty, ordering: .relaxed)
        return state.withLock { state in
            let known = state.found.folders
            var changes = Changes()
            for (name, times) in found.folders where known[name] != times { changes.names.insert(name) }
            for name in known.keys where found.folders[name] == nil { changes.names.insert(name) }
            // Of directories that were moved away: the kernel would watch them for ever.
            for number in state.found.watches.keys where found.watches[number] == nil { giveUp(number) }
            state.found = found
            state.failure = nil
            return changes
        }
    }

    private func watch(component name: [UInt8]) -> Int32? {
        watch(Array(path.utf8) + [UInt8(ascii: "/")] + name, flags: UInt32(IN_DONT_FOLLOW))
    }

    private func giveUp(_ number: Int32) {
        if let notifications { inotify_rm_watch(notifications.number, number) }
    }

    /// The number of a directory's watch, and of no file's; watching what is watched already changes nothing.
    private func watch(_ path: [UInt8], flags: UInt32) -> Int32? {
        guard let notifications else { return nil }
        let number = inotify_add_watch(
            notifications.number, (path + [0]).map { CChar(bitPattern: $0) }, Self.mask | flags)
        return number < 0 ? nil : number
    }
}
