internal import Glibc
internal import Primitives
internal import Synchronization
public import Tree

/// A mounted tree.
///
/// Four kinds of threads work for it: libfuse's serve requests, another those reads that have to wait for long, the
/// attendant says when the mount is ready and then tells the kernel of changes, and the guardian unmounts when a signal or
/// `stop` asks for it.
public final class Mount: Sendable {
    /// How a mount ended.
    public enum Ending: Sendable {
        /// Nothing used the mount any more.
        case unmounted
        /// Programs still used the mount: it is gone from the list of mounts, and they get errors.
        case detachedWhileBusy
    }

    /// How long the tree is asked to wait for a change, in seconds; an ending mount waits for it too.
    private static let patience = 0.1
    /// How long the attendant rests after a failure, in seconds.
    private static let restAfterFailure = 0.5

    private let tree: any FileTree
    private let path: String
    private let server: Server
    private let session: Session
    private let wakeUp = Semaphore()
    private let isStopping = Atomic(false)
    private let hasEnded = Atomic(false)
    private let wasBusy = Atomic(false)

    /// Mounts a tree; nothing is answered before `serve`.
    ///
    /// - Throws: `unavailable` or `denied` with what libfuse says.
    public init(tree: any FileTree, at point: MountPoint, options: MountOptions) throws {
        self.tree = tree
        path = point.path
        server = Server(tree: tree, options: options)
        server.prepare()
        session = try Session(server: server, at: point, options: options)
    }

    /// Serves the mount until somebody unmounts it, a stop is asked for, or SIGINT, SIGTERM or SIGHUP arrives.
    ///
    /// The mount is gone when this returns. Called once.
    ///
    /// - Parameter onReady: called once on a thread of the mount's when programs can use it.
    /// - Throws: `unavailable` where libfuse cannot serve.
    public func serve(onReady: @escaping @Sendable () -> Void = {}) throws -> Ending {
        let signals = TerminationSignals(posting: wakeUp)
        let restoreWakingSignal = WakingSignal.install()
        defer {
            restoreWakingSignal()
            signals.restore()
        }
        tree.attach(session)
        defer { tree.attach(nil) }
        let thread = pthread_self()
        let guardian = try JoinableThread { [self] in awaitEnd(thread) }
        var attendant: JoinableThread?
        let outcome = Result {
            attendant = try JoinableThread { [self] in attend(onReady) }
            try session.run()
        }
        isStopping.store(true, ordering: .sequentiallyConsistent)
        hasEnded.store(true, ordering: .sequentiallyConsistent)
        try? session.detach(lazily: true)
        // What waits in it keeps the connection open.
        server.longReads.end()
        // Before waiting for the threads: they may themselves wait for an answer of the mount's.
        session.sever()
        attendant?.join()
        wakeUp.post()
        guardian.join()
        try outcome.get()
        return wasBusy.load(ordering: .sequentiallyConsistent) ? .detachedWhileBusy : .unmounted
    }

    /// Makes `serve` unmount and return, as a signal does.
    public func stop() {
        wakeUp.post()
    }
}

// MARK: - The attendant

extension Mount {
    private func attend(_ onReady: () -> Void) {
        // Answered only after the kernel has agreed to the connection, so this waits for exactly that.
        _ = ResolvedPath.probe(path)
        if let device = session.device { ReadAhead.raise(device: device) }
        guard !isStopping.load(ordering: .sequentiallyConsistent) else { return }
        onReady()
        let push = ChangePush(tree: tree, kernel: session, places: server.places)
        var changes: [TreeChange] = []
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            do {
                // To ask for more would say that the kernel knows of these, which it must, however late.
                if changes.isEmpty { changes = try tree.nextChanges(waitingAtMost: Self.patience) }
                try push.push(changes)
                changes = []
            } catch is MountHasEnded {
                return
            } catch {
                tree.report(error, inode: FixedNode.root.inode.number)
                usleep(useconds_t(Self.restAfterFailure * 1e6))
            }
        }
    }
}

// MARK: - The guardian

extension Mount {
    private func awaitEnd(_ thread: pthread_t) {
        wakeUp.wait()
        isStopping.store(true, ordering: .sequentiallyConsistent)
        guard !hasEnded.load(ordering: .sequentiallyConsistent) else { return }
        do {
            // While requests are still answered, so that nobody gets an error from a mount that nobody uses.
            try session.detach(lazily: false)
        } catch {
            wasBusy.store(true, ordering: .sequentiallyConsistent)
        }
        // What the kernel takes may wait for an answer, and nobody answers from here on.
        tree.attach(nil)
        session.exit()
        while !hasEnded.load(ordering: .sequentiallyConsistent) {
            WakingSignal.send(to: thread)
            usleep(2000)
        }
    }
}
