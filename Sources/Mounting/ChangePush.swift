internal import Glibc
internal import Primitives
internal import Tree

/// What a kernel can be told to forget; each function returns 0 or a negative errno.
protocol Invalidating: Sendable {
    func dropEntry(_ name: [UInt8], in directory: UInt64) -> Int32
    /// Drops a name that is gone for good.
    func deleteEntry(_ name: [UInt8], of child: UInt64, in directory: UInt64) -> Int32
    /// Drops an inode's attributes and, unless they are kept, its pages, listing or link target.
    func dropInode(_ inode: UInt64, keepingPages: Bool) -> Int32
}

/// Tells the kernel what changed in a tree, so that it may keep everything else for a day.
///
/// Used by one thread, which must not serve requests: the kernel waits for them before it drops a name.
struct ChangePush {
    private let tree: any FileTree
    private let kernel: any Invalidating
    private let places: LookupPlaces

    /// A name that the catalog escapes; of a passed-through file the kernel keeps no name anyway.
    private static let nobody: [UInt8] = [1]

    init(tree: any FileTree, kernel: any Invalidating, places: LookupPlaces) {
        self.tree = tree
        self.kernel = kernel
        self.places = places
    }

    func push(_ changes: [TreeChange]) throws {
        guard !changes.isEmpty else { return }
        awaitOlderAnswers()
        for change in changes { try push(change) }
    }

    /// Returns when the kernel has taken in what was answered from the tree as it was before the changes.
    private func awaitOlderAnswers() {
        // To drop a name, whether it is there or not, the kernel waits for the directory's lock.
        for directory in places.directories { check(kernel.dropEntry(Self.nobody, in: directory), directory) }
    }

    private func push(_ change: TreeChange) throws {
        switch change {
        case .added(let directory, let name):
            check(kernel.dropEntry(name, in: directory), directory)
            drop(directory)
        case .removed(let directory, let name, let inode):
            remove(name, of: inode, from: directory)
            drop(directory)
        case .changed(let inode):
            drop(inode)
        case .attributes(let inode):
            check(kernel.dropInode(inode, keepingPages: true), inode)
        case .everything:
            try pushEverything()
        }
    }

    private func remove(_ name: [UInt8], of child: UInt64, from directory: UInt64) {
        // The kernel takes a deleted inode for one without any name, which is wrong for a blob with other names.
        if isBlob(child) || kernel.deleteEntry(name, of: child, in: directory) != 0 {
            check(kernel.dropEntry(name, in: directory), directory)
        }
        let result = kernel.dropInode(child, keepingPages: true)
        check(result, child)
        tree.settleRemoved(child, isHeld: result == 0)
    }

    private func drop(_ inode: UInt64) {
        check(kernel.dropInode(inode, keepingPages: false), inode)
    }

    private func isBlob(_ number: UInt64) -> Bool {
        if case .blob = Inode(number: number) { true } else { false }
    }

    /// ENOENT says that the kernel holds nothing of the kind; ENODEV and EPIPE that the mount is about to end.
    private func check(_ result: Int32, _ inode: UInt64) {
        guard result != 0, ![-ENOENT, -ENODEV, -EPIPE, -ENOTCONN].contains(result) else { return }
        let reason = String(cString: strerror(-result))
        tree.report(OsnovaError(.inputOutput, "telling the kernel of a change: \(reason)"), inode: inode)
    }
}

// MARK: - When changes were missed

extension ChangePush {
    /// Entries that are collected before the kernel hears of them: it is never told from within a listing.
    private static let batch = 256

    /// Drops everything below the root.
    ///
    /// Dropping a directory's name drops what the kernel holds below it, names that are no longer in the tree included.
    private func pushEverything() throws {
        let worker = try tree.makeWorker()
        // No listing tells of the directory of snapshots.
        let (root, snapshots) = (FixedNode.root.inode, FixedNode.snapshots)
        check(kernel.dropEntry(Array(snapshots.name.utf8), in: root.number), root.number)
        var waiting = [snapshots.inode, root]
        while let directory = waiting.popLast() {
            drop(directory.number)
            var cookie: UInt64 = 0
            while true {
                let entries = try Self.entries(of: directory, after: cookie, worker)
                for entry in entries {
                    check(kernel.dropEntry(entry.name, in: directory.number), directory.number)
                    // A blob's pages are those of its SHA-256 for ever; only its attributes can change.
                    let inode = entry.attributes.inode
                    check(kernel.dropInode(inode, keepingPages: isBlob(inode)), inode)
                    guard entry.attributes.kind == .directory, entry.attributes.lifetime == .told else { continue }
                    if let inode = Inode(number: entry.attributes.inode) { waiting.append(inode) }
                }
                guard let last = entries.last else { break }
                cookie = last.cookie
            }
        }
    }

    private static func entries(
        of directory: Inode, after cookie: UInt64, _ worker: any FileTreeWorker
    ) throws -> [(name: [UInt8], attributes: Attributes, cookie: UInt64)] {
        var entries: [(name: [UInt8], attributes: Attributes, cookie: UInt64)] = []
        try worker.list(directory, after: cookie) { name, attributes, cookie in
            entries.append((Array(name), attributes, cookie))
            return entries.count < batch
        }
        return entries
    }
}
