internal import Synchronization

/// The requests of a kernel that are counted.
public enum DriveOperation: Int, Sendable, CaseIterable {
    case lookup
    case getattr
    case readlink
    case read
    case readdir
    case statfs
    case getxattr
}

/// What the bytes that were read belong to.
public enum ContentKind: Int, Sendable, CaseIterable {
    case blob
    case document
    case database
    case generated
    case host

    /// The kind of an inode's content.
    public init(_ inode: Inode) {
        self =
            switch inode {
            case .blob: .blob
            case .document, .node: .document
            case .host: .host
            case .generated: .generated
            }
    }
}

/// What else is counted.
public enum DriveEvent: Int, Sendable, CaseIterable {
    /// A sealed file was opened: a read of a blob that did not find it open already.
    case sealedFileOpened
    /// The kernel got a content before it was asked for.
    case contentStored
}

/// Counts what a driver does: each thread for itself, without locks, summed when somebody asks.
public final class DriveMetrics: Sendable {
    private let threads = Mutex<[DriveCounters]>([])

    /// Starts with nothing counted.
    public init() {}

    /// Counters for one thread; what they counted stays in the sums when the thread is gone.
    public func makeCounters() -> DriveCounters {
        let counters = DriveCounters()
        threads.withLock { $0.append(counters) }
        return counters
    }

    /// The sums over all threads.
    public func totals() -> DriveTotals {
        var cells = [UInt64](repeating: 0, count: DriveLayout.size)
        for thread in threads.withLock({ $0 }) {
            for index in cells.indices { cells[index] &+= thread.value(index) }
        }
        return DriveTotals(cells: cells)
    }
}

/// Where each count lies among a thread's cells.
enum DriveLayout {
    static let buckets = 12
    /// Requests, errors, nanoseconds, then one cell a bucket.
    static let perOperation = 3 + buckets
    static let bytes = DriveOperation.allCases.count * perOperation
    static let events = bytes + ContentKind.allCases.count
    static let size = events + DriveEvent.allCases.count

    /// The bucket of a duration: each is four times as wide as the one before, the first ends at 1,024 nanoseconds.
    static func bucket(_ nanoseconds: UInt64) -> Int {
        let bits = UInt64.bitWidth - (nanoseconds >> 10).leadingZeroBitCount
        return min(buckets - 1, (bits + 1) / 2)
    }
}

/// The counters of one thread.
///
/// `@unchecked Sendable` holds because the cells are atomic; one thread adds, any thread reads.
public final class DriveCounters: @unchecked Sendable {
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        cells = .allocate(capacity: DriveLayout.size)
        for index in 0..<DriveLayout.size { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: DriveLayout.size)
        cells.deallocate()
    }

    /// Counts one request with its duration.
    public func count(_ operation: DriveOperation, nanoseconds: UInt64, failed: Bool) {
        let first = operation.rawValue * DriveLayout.perOperation
        add(1, at: first)
        if failed { add(1, at: first + 1) }
        add(nanoseconds, at: first + 2)
        add(1, at: first + 3 + DriveLayout.bucket(nanoseconds))
    }

    /// Counts bytes that were read.
    public func count(bytes: Int, of kind: ContentKind) {
        add(UInt64(max(0, bytes)), at: DriveLayout.bytes + kind.rawValue)
    }

    /// Counts an event.
    public func count(_ event: DriveEvent) { add(1, at: DriveLayout.events + event.rawValue) }

    fileprivate func value(_ index: Int) -> UInt64 { cells[index].load(ordering: .relaxed) }

    /// One writer: a load and a store are enough, and cheaper than an addition that excludes others.
    private func add(_ amount: UInt64, at index: Int) {
        cells[index].store(cells[index].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}

/// What was counted up to a moment.
public struct DriveTotals: Sendable {
    let cells: [UInt64]

    /// Requests of a kind.
    public func requests(_ operation: DriveOperation) -> UInt64 { cell(operation, 0) }

    /// Requests of a kind that were answered with an error other than "there is no such name".
    public func errors(_ operation: DriveOperation) -> UInt64 { cell(operation, 1) }

    /// Nanoseconds that requests of a kind took together.
    public func nanoseconds(_ operation: DriveOperation) -> UInt64 { cell(operation, 2) }

    /// Requests of a kind by duration: the upper bound in nanoseconds, nil for the last, and how many took no longer.
    public func histogram(_ operation: DriveOperation) -> [(bound: UInt64?, count: UInt64)] {
        var sum: UInt64 = 0
        return (0..<DriveLayout.buckets).map { bucket in
            sum &+= cell(operation, 3 + bucket)
            return (bucket == DriveLayout.buckets - 1 ? nil : 1024 << (2 * UInt64(bucket)), sum)
        }
    }

    /// Bytes that were read of a kind of content.
    public func bytes(_ kind: ContentKind) -> UInt64 { cells[DriveLayout.bytes + kind.rawValue] }

    /// How often something happened.
    public func events(_ event: DriveEvent) -> UInt64 { cells[DriveLayout.events + event.rawValue] }

    private func cell(_ operation: DriveOperation, _ offset: Int) -> UInt64 {
        cells[operation.rawValue * DriveLayout.perOperation + offset]
    }
}
