import Testing
import Tree

@testable import Catalog

/// What the change feed told between two states of a tree.
struct Announcements {
    private var added: Set<String> = []
    private var removed: Set<String> = []
    private var changed: Set<UInt64> = []
    private var attributes: Set<UInt64> = []
    private var everything = false

    init(_ feed: ChangeFeed) throws {
        while true {
            let changes = try feed.next()
            if changes.isEmpty { return }
            for change in changes {
                switch change {
                case .added(let directory, let name): added.insert(Self.key(directory, name))
                case .removed(let directory, let name, let inode):
                    removed.insert(Self.key(directory, name))
                    attributes.insert(inode)
                case .changed(let inode): changed.insert(inode)
                case .attributes(let inode): attributes.insert(inode)
                case .everything: everything = true
                }
            }
        }
    }

    private static func key(_ directory: UInt64, _ name: [UInt8]) -> String {
        "\(directory)/\(String(decoding: name, as: UTF8.self))"
    }

    /// Whether a kernel that holds all of the old tree learns of all that is no longer so.
    func cover(from before: Snapshot, to now: Snapshot, _ context: String) -> Bool {
        if everything { return true }
        var missed: [String] = []
        for (path, node) in now.nodes {
            let key = place(path, in: now)
            guard let old = before[path], old.attributes.inode == node.attributes.inode else {
                // Of a directory that is new itself a kernel holds nothing.
                let parent = Self.parent(path)
                let isInNew = before.inode(parent) != now.inode(parent)
                if !isInNew, !added.contains(key) { missed.append("\(path) came") }
                continue
            }
            if old != node, !isTold(old, node, path, before, now) { missed.append("\(path) changed") }
        }
        for path in before.paths.subtracting(now.paths) where !isRemovalTold(path, before, now) {
            missed.append("\(path) went")
        }
        for line in missed { Issue.record("\(context): not told that \(line)") }
        return missed.isEmpty
    }

    private func isTold(
        _ old: Snapshot.Node, _ node: Snapshot.Node, _ path: String, _ before: Snapshot, _ now: Snapshot
    ) -> Bool {
        let inode = node.attributes.inode
        // Whoever hears that an entry came or went drops the directory itself.
        if node.attributes.kind == .directory {
            return (added.union(removed)).contains { $0.hasPrefix("\(inode)/") }
        }
        let isContent = old.content != node.content || old.attributes.size != node.attributes.size
        return changed.contains(inode) || (!isContent && attributes.contains(inode))
    }

    /// With a directory goes all that is below it.
    private func isRemovalTold(_ path: String, _ before: Snapshot, _ now: Snapshot) -> Bool {
        if removed.contains(place(path, in: before)) { return true }
        let parent = Self.parent(path)
        guard !parent.isEmpty else { return false }
        let isParentGone = before.inode(parent) != now.inode(parent)
        return isParentGone
            && (now[parent] != nil ? added.contains(place(parent, in: now)) : isRemovalTold(parent, before, now))
    }

    private func place(_ path: String, in tree: Snapshot) -> String {
        let parent = Self.parent(path)
        return "\(tree.inode(parent) ?? 0)/\(path.dropFirst(parent.isEmpty ? 0 : parent.count + 1))"
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}
