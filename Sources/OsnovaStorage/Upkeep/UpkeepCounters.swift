internal import Synchronization

/// What the upkeep of a mount has done so far.
final class UpkeepCounters: Sendable {
    private let checkedBlobs = Atomic<UInt64>(0)
    private let checkedBytes = Atomic<UInt64>(0)
    private let evictedEntries = Atomic<UInt64>(0)

    func didCheck() { checkedBlobs.add(1, ordering: .relaxed) }

    func didRead(_ bytes: Int) { checkedBytes.add(UInt64(clamping: bytes), ordering: .relaxed) }

    func didEvict(_ entries: Int) { evictedEntries.add(UInt64(clamping: entries), ordering: .relaxed) }

    /// In Prometheus' text format.
    ///
    /// - Parameter damaged: blobs that are known to be damaged.
    func metrics(damaged: Int) -> String {
        func lines(_ name: String, _ type: String, _ help: String, _ value: UInt64) -> [String] {
            ["# HELP osnovafs_\(name) \(help)", "# TYPE osnovafs_\(name) \(type)", "osnovafs_\(name) \(value)"]
        }
        func total(_ name: String, _ help: String, _ counter: borrowing Atomic<UInt64>) -> [String] {
            lines(name, "counter", help, counter.load(ordering: .relaxed))
        }
        let all =
            total("scrub_blobs_total", "Blobs that the background verification has looked at.", checkedBlobs)
            + total("scrub_bytes_total", "Bytes that it has read.", checkedBytes)
            + lines("damaged_blobs", "gauge", "Blobs known to be damaged or missing.", UInt64(clamping: damaged))
            + total("cache_evicted_total", "Cache entries that the mount has evicted.", evictedEntries)
        return all.joined(separator: "\n") + "\n"
    }
}
