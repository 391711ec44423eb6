internal import ArgumentParser
internal import Glibc
internal import Keyring
internal import Mounting
internal import OsnovaStorage
internal import Primitives
internal import Synchronization
internal import SystemPackage

struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Show the data root as a tree of files; returns when it is ready.",
        discussion: """
            The mount is read-only and follows every change of the store, whoever makes it. \
            'osnovafs unmount MOUNTPOINT' ends it. A data root whose disk is read-only is shown as it is when it is mounted, \
            from a copy of its database in $TMPDIR.

            Options for -o: allow_other, allow_root, uid=N, gid=N, umask=OCTAL, nonempty, noexec; those of fstab that \
            mean nothing here (ro, nofail, _netdev, x-…) are accepted.

            The mount keeps the store meanwhile. scrub=30d verifies each blob once in 30 days, as long as nobody needs the \
            disk; that is the default. scrub=10M goes on all the time, at most 10 MiB a second and no blob twice a day; \
            scrub=off does not. What is found damaged is in 'osnovafs stats' and in the log. cache_size=2G evicts the least \
            recently used cache entries as soon as there is more; nothing is evicted without it.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    @Flag(name: .shortAndLong, help: "Serve in this process until it is unmounted or interrupted.")
    var foreground = false

    @Option(
        name: .customShort("o"), parsing: .singleValue,
        help: ArgumentHelp("Mount options, separated by commas.", valueName: "options"), transform: Arguments.text)
    var options: [String] = []

    @Option(help: .hidden)
    var driverChannel: Int32?

    @Argument(help: "An empty directory.")
    var mountpoint: PathArgument

    private struct Outcome: Encodable {
        let mountpoint: String
        let dataRoot: String
    }

    func run() throws {
        if let driverChannel { return try serve(reportingTo: DriverChannel(inherited: driverChannel)) }
        let root = try store.root
        let place = try mountpoint.path.absolute.text
        _ = try DriverOptions(parsing: options)
        let keys = try unlocking.keys(of: root)
        SecretEnvironment.forget()
        if foreground {
            return try serveHere(Driver(root: root, mountpoint: place, options: options, keys: keys), place, root)
        }
        try DriverProcess.start(root: root, mountpoint: place, options: options, keys: keys)
        do {
            try say(place, root)
        } catch {
            do {
                try Unmounting.unmount(place)
            } catch let unmounting {
                Terminal.complain(Program.wording(of: unmounting).message)
            }
            throw error
        }
    }

    /// Serves until the end, which a result that cannot be written brings about.
    private func serveHere(_ driver: Driver, _ place: String, _ root: DataRoot) throws {
        let failure = Mutex<(any Error)?>(nil)
        try driver.serve {
            do {
                try say(place, root)
            } catch {
                failure.withLock { $0 = error }
                // Not an exit: a mount whose driver is gone answers nobody.
                kill(getpid(), SIGTERM)
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// - Throws: what tells that nobody was told, and so that nothing may stay mounted.
    private func say(_ place: String, _ root: DataRoot) throws {
        // Only --json asks for a document; a mount that works is silent, as mount(8) is.
        guard store.json else { return }
        // A reader that is gone must not end this process before the mount is.
        signal(SIGPIPE, SIG_IGN)
        let document = Array(try Terminal.json(Outcome(mountpoint: place, dataRoot: root.path))) + [UInt8(ascii: "\n")]
        try document.withUnsafeBytes {
            try ContentWriter.write($0, to: OwnedDescriptor(copying: STDOUT_FILENO), name: "standard output")
        }
    }

    /// What the background process does: everything that can fail is told to the process that waits for it.
    private func serve(reportingTo channel: DriverChannel) throws {
        DriverProcess.detach()
        do {
            let keys = try channel.receiveKeys()
            let driver = try Driver(
                root: store.root, mountpoint: mountpoint.path.text, options: options, keys: keys)
            try driver.serve { channel.reportReady() }
        } catch {
            channel.report(Program.wording(of: error))
            throw error
        }
    }
}

struct UnmountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unmount", abstract: "End a mount, or clear one whose driver died.")

    @OptionGroup var store: StoreOptions

    @Argument(help: "Where the store is mounted.")
    var mountpoint: PathArgument

    private struct Outcome: Encodable {
        let unmounted: String
    }

    func run() throws {
        let place = try mountpoint.path.text
        try Unmounting.unmount(place)
        if store.json { try Terminal.sayJSON(Outcome(unmounted: place)) }
    }
}
