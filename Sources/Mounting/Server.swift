internal import CFuse
internal import Synchronization
internal import Tree

/// What every request of a mount needs: the tree, and how its attributes are shown.
final class Server: Sendable {
    /// Threads that answer the first requests of most programs.
    private static let spareCount = 3

    let tree: any FileTree
    let translation: AttributeTranslation
    let advice = ListingAdvice()
    let places = LookupPlaces()
    let longReads = LongReads()
    private let spares = Mutex<[Spare]>([])

    /// `@unchecked Sendable` holds because it belongs to nobody until one thread takes it.
    private struct Spare: @unchecked Sendable {
        let worker: any FileTreeWorker
    }

    init(tree: any FileTree, options: MountOptions) {
        self.tree = tree
        translation = AttributeTranslation(options)
    }

    /// Makes workers before there are threads: the first requests need not wait for connections and guarded memory.
    func prepare() {
        for _ in 0..<Self.spareCount {
            guard let worker = try? tree.makeWorker() else { return }
            let spare = Spare(worker: worker)
            spares.withLock { $0.append(spare) }
        }
    }

    /// A worker for a new thread.
    func takeWorker() throws -> any FileTreeWorker {
        try spares.withLock { $0.popLast() }?.worker ?? tree.makeWorker()
    }

    /// The server of a request's mount; the mount keeps it alive until its last request is answered.
    static func of(_ request: fuse_req_t) -> Server? {
        guard let address = fuse_req_userdata(request) else { return nil }
        return Unmanaged<Server>.fromOpaque(address).takeUnretainedValue()
    }
}
