internal import Blobs
internal import Catalog
internal import Primitives
internal import Sealing

/// Finds the sealed files that other programs left without a row, and verifies those whose type shows in a name.
public struct Census: Sendable {
    private static let batch = 1000

    private let store: Store
    private let onCorrection: @Sendable (Int64) -> Void

    /// Readies a census of a store that is mounted: reads of a blob whose length was wrong fail until the kernel knows.
    public init(of tree: StoreTree) {
        store = tree.store
        onCorrection = tree.corrections.add
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
        try lookAgain()
        try store.catalog.retryWaitingRows()
        try store.catalog.settle()
        try adoptNamedBlobs()
    }

    private func meet(_ pending: inout [ContentID]) throws {
        let ids = pending
        pending.removeAll(keepingCapacity: true)
        let unknown = try store.catalog.read { reading in try ids.filter { try !reading.hasBlob($0) } }
        guard !unknown.isEmpty else { return }
        try store.catalog.writeDerived { writing in
            for id in unknown { try store.meet(id, in: writing) }
        }
    }

    /// What was met without a key is known by the size of its file alone, which is not that of a compressed content.
    private func lookAgain() throws {
        var row: Int64 = 0
        while true {
            let records = try store.catalog.read { try $0.unverifiedBlobs(after: row, limit: Self.batch) }
            guard let last = records.last else { return }
            row = last.row
            let wrong = records.compactMap { record -> (BlobRecord, BlobExtent)? in
                guard let file = try? store.probe.look(at: record.id) else { return nil }
                return file.extent == record.extent ? nil : (record, file.extent)
            }
            guard !wrong.isEmpty else { continue }
            try store.catalog.writeDerived { writing in
                // Before it can be seen; where somebody has verified it meanwhile, nothing follows that would end it.
                for (record, extent) in wrong where try writing.correctUnverified(record.id, extent) {
                    onCorrection(record.row)
                }
            }
        }
    }

    /// An icon's or artifact's suffix, and whether it is a program, are known when its content is.
    private func adoptNamedBlobs() throws {
        for blob in try store.catalog.read({ try $0.unverifiedNamedBlobs() }) {
            do {
                try store.adopt(blob.id, onCorrection: onCorrection)
            } catch let error as OsnovaError where [.damaged, .notFound, .busy].contains(error.kind) {
                // A reader gets the reason when it reads; the name stays without its suffix.
                continue
            }
        }
    }
}
