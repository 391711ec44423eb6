internal import Synchronization

/// The directories in which a mount's threads looked last: each says so for itself, without locks.
///
/// What was read before a change may be answered after the kernel was told of it. For an inode that the kernel knows this
/// does no harm: it sees that the answer is the older. But one that it first hears of in such an answer it would keep as
/// it was, for a day. Only look-ups and listings are answered with new inodes, and the kernel holds the directory's lock
/// until it has taken in the answer: so whoever was granted that lock in between comes after it.
final class LookupPlaces: Sendable {
    /// Where one thread looked last.
    final class Place: Sendable {
        private let directory = Atomic<UInt64>(0)

        /// Notes a directory, before anything is read of it.
        func enter(_ directory: UInt64) {
            // No read of the tree may come before it: whoever does not see the note may count on the thread seeing
            // what the tree is by then.
            self.directory.store(directory, ordering: .sequentiallyConsistent)
        }

        fileprivate var latest: UInt64 { directory.load(ordering: .sequentiallyConsistent) }
    }

    private let places = Mutex<[Place]>([])

    /// A place for a thread of the mount, which keeps it until its end.
    func makePlace() -> Place {
        let place = Place()
        places.withLock { $0.append(place) }
        return place
    }

    /// Where an answer may be under way that was made of the tree as it was before this question.
    var directories: Set<UInt64> {
        var directories = Set(places.withLock { $0 }.map(\.latest))
        directories.remove(0)
        return directories
    }
}
