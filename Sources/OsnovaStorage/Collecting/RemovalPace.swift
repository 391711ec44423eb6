internal import Primitives

/// How many things a removal takes at once: on a full disk few, since to remove rows takes room first.
struct RemovalPace {
    /// With the room that few take, they make more for the next.
    private static let least = 16

    private let most: Int
    private(set) var count: Int

    /// The pace of a removal that takes so many where there is room.
    init(atMost most: Int) {
        self.most = most
        count = most
    }

    /// Fewer, and with what the store keeps for this, after a removal that failed.
    ///
    /// - Throws: the error, where the disk is not the reason or it were no fewer.
    mutating func slowDown(after error: any Error, in store: Store) throws {
        guard let failure = error as? OsnovaError, failure.kind == .inputOutput, count > Self.least else { throw error }
        count = Self.least
        DiskReserve(store.root).release()
        _ = try? store.catalog.emptyWAL(waitingAtMost: 0)
    }

    /// More, after one that worked.
    mutating func speedUp() {
        count = count > most / 2 ? most : count * 2
    }
}
