internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing

/// Finds the sealed files that other programs left without a row, and verifies those whose type shows in a name.
public struct Census: Sendable {
    private static let batch = 1000

    private let store: Store

    /// Readies a census of a store.
    public init(store: Store) {
        self.store = store
    }

    /// Looks through all of `blobs/`; removes what a killed process left half written on the way.
    public func run() throws {
        try store.blobs.removeStaleTemporaries()
        try store.removeLeftovers()
        var pending: [ContentID] = []
        try store.blobs.scan { entry in
            if case .blob(let id) = entry { pending.append(id) }
            if pending.count >= Self.batch { try meet(&pending) }
            return true
        }
        try meet(&pending)
        try store.catalog.retryWaitingRows()
        try store.catalog.settle()
        try adoptNamedBlobs()
    }

    private func meet(_ pending: inout [ContentID]) throws {
        let ids = pending
        pending.removeAll(keepingCapacity: true)
        let unknown = try store.catalog.read { reading in try ids.filter { try !reading.hasBlob($0) } }
        guard !unknown.isEmpty else { return }
        try store.catalog.write { writing in
            for id in unknown { try store.meet(id, in: writing) }
        }
    }

    /// An icon's or artifact's suffix, and whether it is a program, are known when its content is.
    private func adoptNamedBlobs() throws {
        for blob in try store.catalog.read({ try $0.unverifiedNamedBlobs() }) {
            do {
                try store.adopt(blob.id)
            } catch let error as OsnovaError where error.kind == .damaged || error.kind == .notFound {
                // A reader gets the reason when it reads; the name stays without its suffix.
                continue
            }
        }
    }
}
