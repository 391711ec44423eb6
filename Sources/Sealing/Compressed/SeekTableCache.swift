internal import Primitives
internal import Synchronization

/// The seek tables of the compressed blobs that were read last, for all threads, in bounded memory.
///
/// A table belongs to a sealing, whose chunk tags it was read under: it never becomes wrong.
public final class SeekTableCache: Sendable {
    /// Bytes at most; the largest table, of 256 GiB, takes three quarters of them.
    static let capacity = 12 << 20

    private struct State {
        var tables: [SealedBlob: SeekTable] = [:]
        /// The blobs of `tables` as they came.
        var order: ArraySlice<SealedBlob> = []
        var cost = 0

        mutating func keep(_ table: SeekTable, of blob: SealedBlob) {
            guard tables.updateValue(table, forKey: blob) == nil else { return }
            order.append(blob)
            cost += table.cost
            while cost > SeekTableCache.capacity, let oldest = order.popFirst() {
                cost -= tables.removeValue(forKey: oldest)?.cost ?? 0
            }
        }
    }

    private let state = Mutex(State())

    /// Makes an empty cache.
    public init() {}

    /// Bytes that the tables take.
    var cost: Int { state.withLock { $0.cost } }

    /// The table of a compressed blob.
    ///
    /// - Parameter source: the blob's stream, verified.
    /// - Throws: `damaged` where the stream has no table, or one of another length than the blob's.
    func table(of blob: SealedBlob, _ source: SeekTable.Source) throws -> SeekTable {
        if let known = state.withLock({ $0.tables[blob] }) { return known }
        guard let table = try SeekTable(streamLength: blob.sealedLength, source) else {
            throw OsnovaError.damaged("what was sealed has no seek table")
        }
        guard table.contentLength == blob.length else {
            throw OsnovaError.damaged("its seek table describes \(table.contentLength) bytes, not \(blob.length)")
        }
        state.withLock { $0.keep(table, of: blob) }
        return table
    }
}
