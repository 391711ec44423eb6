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

/// Nobody hears of changes any more.
struct MountHasEnded: Error {}

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

    /// - Throws: ``MountHasEnded``, and what the tree throws.
    func push(_ changes: [TreeChange]) throws {
        guard !changes.isEmpty else { return }
        for change in changes {
            try pushNames(change)
            try pushInode(change)
        }
        let older = places.directories
        guard !older.isEmpty else { return }
        try awaitAnswers(in: older)
        // What the kernel first heard of in such an answer, it did not know before.
        for change in changes { try pushInode(change) }
    }

    /// Returns when the kernel has taken in what was answered from the tree as it was before the changes.
    private func awaitAnswers(in directories: Set<UInt64>) throws {
        // To drop a name, whether it is there or not, the kernel waits for the directory's lock.
        for directory in directories { try check(kernel.dropEntry(Self.nobody, in: directory), directory) }
    }

    private func pushNames(_ change: TreeChange) throws {
        switch change {
        case .added(let directory, let name): try check(kernel.dropEntry(name, in: directory), directory)
        case .removed(let directory, let name, let inode): try remove(name, of: inode, from: directory)
        case .changed, .attributes, .everything: break
        }
    }

    private func pushInode(_ change: TreeChange) throws {
        switch change {
        case .added(let directory, _), .removed(let directory, _, _): try drop(directory)
        case .changed(let inode): try drop(inode)
        case .attributes(let inode): try check(kernel.dropInode(inode, keepingPages: true), inode)
        case .everything: try pushEverything()
        }
    }

    private func remove(_ name: [UInt8], of child: UInt64, from directory: UInt64) throws {
        // The kernel takes a deleted inode for one without any name, which is wrong for a blob with other names.
        if isBlob(child) || kernel.deleteEntry(name, of: child, in: directory) != 0 {
            try check(kernel.dropEntry(name, in: directory), directory)
        }
        let result = kernel.dropInode(child, keepingPages: true)
        try check(result, child)
        tree.settleRemoved(child, isHeld: result == 0)
    }

    private func drop(_ inode: UInt64) throws {
        try check(kernel.dropInode(inode, keepingPages: false), inode)
    }

    private func isBlob(_ number: UInt64) -> Bool {
        if case .blob = Inode(number: number) { true } else { false }
    }

    /// ENOENT says that the kernel holds nothing of the kind.
    private func check(_ result: Int32, _ inode: UInt64) throws {
        guard result != 0, result != -ENOENT else { return }
        if [-ENODEV, -EPIPE, -ENOTCONN].contains(result) { throw MountHasEnded() }
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
        try check(kernel.dropEntry(Array(snapshots.name.utf8), in: root.number), root.number)
        var waiting = [snapshots.inode, root]
        while let directory = waiting.popLast() {
            try drop(directory.number)
            var cookie: UInt64 = 0
            while true {
                let entries = try Self.entries(of: directory, after: cookie, worker)
                for entry in entries {
                    try check(kernel.dropEntry(entry.name, in: directory.number), directory.number)
                    // A blob's pages are those of its SHA-256 for ever; only its attributes can change.
                    let inode = entry.attributes.inode
                    try check(kernel.dropInode(inode, keepingPages: isBlob(inode)), inode)
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
