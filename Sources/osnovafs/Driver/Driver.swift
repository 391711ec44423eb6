internal import Dispatch
internal import Foundation
internal import Keyring
internal import Logging
internal import Mounting
internal import OsnovaStorage
internal import Primitives
internal import Synchronization

/// Everything that serves one mounted store, wired together.
struct Driver {
    private let store: Store
    private let tree: StoreTree
    private let mount: Mount
    private let upkeep: UpkeepSettings
    private let log: Logger
    private let mountpoint: String

    /// How long a mount waits for the census, in seconds: a small store is complete when it appears, a large one is
    /// not kept waiting.
    private static let censusPatience = 0.15

    /// Opens the store and mounts it; nothing is mounted where this throws.
    init(root: DataRoot, mountpoint: String, options: [String], keys: KeyHierarchy) throws {
        let driverOptions = try DriverOptions(parsing: options)
        let options = driverOptions.mount
        store = try Store.open(at: root, keys: keys)
        let place = try MountPoint(preparing: mountpoint, dataRoot: root.path, options: options)
        log = StoreLog.logger(for: root, label: "mount")
        if !Sodium.locksMemory {
            log.warning("keys may reach the swap: this process may lock no memory (ulimit -l)")
        }
        tree = try StoreTree(store: store, log: log)
        Self.startCensus(of: tree, log)
        mount = try Mount(tree: tree, at: place, options: options)
        self.mountpoint = mountpoint
        upkeep = driverOptions.upkeep
    }

    /// Serves until it is unmounted or interrupted.
    func serve(onReady: @escaping @Sendable () -> Void) throws {
        // Not a notice: the log is in the mount, and a remount must leave everything there as it was.
        log.debug("mounted", metadata: ["mountpoint": "\(mountpoint)"])
        let running = Mutex<Upkeep?>(nil)
        let outcome = Result {
            try mount.serve { [tree, upkeep, log] in
                onReady()
                running.withLock { $0 = Upkeep(of: tree, settings: upkeep, log: log) }
            }
        }
        // It uses the store, so whatever became of the mount.
        running.withLock { $0 }?.stop()
        let ending = try outcome.get()
        log.debug("unmounted", metadata: ["mountpoint": "\(mountpoint)", "ending": "\(ending)"])
        try store.close()
    }

    private static func startCensus(of tree: StoreTree, _ log: Logger) {
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            do {
                try Census(of: tree).run()
            } catch {
                log.error("looking for new blobs failed", metadata: ["reason": "\(error)"])
            }
            done.signal()
        }
        _ = done.wait(timeout: .now() + censusPatience)
    }
}
