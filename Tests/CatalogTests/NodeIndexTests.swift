import Foundation
import Primitives
import TestSupport
import Testing
import Tree

@testable import Catalog

/// Random writes of our own and of other programs: after each the tree is the model's, and every difference was told.
@Suite struct NodeIndexTests {
    @Test(arguments: 0..<4) func `the tree follows every writer`(_: Int) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        let base = try Base()
        var operations = try RandomOperations(base, seed: seed)
        let feed = try ChangeFeed(path: base.path)
        var before = try base.snapshot()
        var inodes = Inodes()
        for number in 0..<120 {
            let done = try operations.step()
            let now = try base.snapshot()
            let context = "seed \(seed), step \(number): \(done)"
            var isRight = try agrees(now, operations.model, context)
            isRight = inodes.follow(from: before, to: now, context) && isRight
            isRight = timesMoved(from: before, to: now, context) && isRight
            isRight = try Announcements(feed).cover(from: before, to: now, context) && isRight
            // What follows would only repeat it.
            guard isRight else { return }
            before = now
        }
        try base.reopen()
        #expect(try base.snapshot().nodes == before.nodes, "seed \(seed)")
        #expect(try base.catalog.integrityFindings().filter { !$0.contains("component_registry") } == [])
    }

    // MARK: The model

    private func agrees(_ now: Snapshot, _ model: Model, _ context: String) throws -> Bool {
        let tree = try model.tree()
        let names = Set(tree.keys)
        guard names == now.paths else {
            let (missing, surplus) = (names.subtracting(now.paths).sorted(), now.paths.subtracting(names).sorted())
            Issue.record("\(context): missing \(missing), surplus \(surplus)")
            return false
        }
        var isRight = true
        for (path, expected) in tree {
            let problem = try problem(now, path, expected, model, links: tree.values.count { $0.blob == expected.blob })
            if let problem {
                Issue.record("\(context): \(path) \(problem)")
                isRight = false
            }
        }
        return isRight
    }

    private func problem(
        _ now: Snapshot, _ path: String, _ expected: Model.Expectation, _ model: Model, links: Int
    ) throws -> String? {
        guard let node = now[path] else { return "is missing" }
        let attributes = node.attributes
        if attributes.kind != expected.kind { return "is a \(attributes.kind), not a \(expected.kind)" }
        if let target = expected.target, node.target != bytes(target) { return "points elsewhere" }
        if let text = expected.text, node.content != bytes(text) { return "has another content" }
        if let member = expected.member, now.text(path)?.contains(member) != true { return "lacks \(member)" }
        guard let hash = expected.blob, let blob = model.blobs[hash] else { return nil }
        if attributes.inode != now.inode("blobs/\(hash)") { return "is not the inode of its blob" }
        if attributes.links != UInt32(links) { return "has \(attributes.links) links instead of \(links)" }
        // A length of 0 is shown of empty content alone.
        return attributes.size == max(1, blob.size) ? nil : "has \(attributes.size) bytes instead of \(blob.size)"
    }

    // MARK: Times

    private func timesMoved(from before: Snapshot, to now: Snapshot, _ context: String) -> Bool {
        var isRight = true
        for (path, node) in now.nodes {
            guard let old = before[path], old.attributes.inode == node.attributes.inode else { continue }
            let hasMoved = old.attributes.modified != node.attributes.modified
            let shouldMove =
                switch node.attributes.kind {
                case .directory: before.entries(path) != now.entries(path)
                case .symbolicLink: false
                // The other documents are made from rows that change in more than they show.
                case .file, .program: path.hasSuffix("manifest.json") && old.content != node.content
                }
            let mayMove = path.hasSuffix("metadata.json") || path.hasSuffix("status.json")
            if mayMove ? (old.content != node.content && !hasMoved) : hasMoved != shouldMove {
                Issue.record("\(context): the time of \(path) \(hasMoved ? "moved" : "did not move")")
                isRight = false
            }
            if node.attributes.modified < old.attributes.modified { isRight = false }
        }
        return isRight
    }
}

/// Inode numbers: the same as long as their file is there, and never another's.
private struct Inodes {
    /// Every number that was ever seen, and what had it.
    private var owners: [UInt64: String] = [:]

    mutating func follow(from before: Snapshot, to now: Snapshot, _ context: String) -> Bool {
        let wrong = now.nodes.compactMap { path, node in problem(path, node, before, now) }
        for problem in wrong { Issue.record("\(context): \(problem)") }
        return wrong.isEmpty
    }

    private mutating func problem(
        _ path: String, _ node: Snapshot.Node, _ before: Snapshot, _ now: Snapshot
    ) -> String? {
        let number = node.attributes.inode
        let old = before[path]
        switch Inode(number: number) {
        case .blob: return claim(number, "blob \(now.entries("blobs").first { $0.value == number }?.key ?? "?")")
        case .document(let document, let holder): return claim(number, "\(document) of \(holder)")
        case .node:
            // A link whose target changed is another link.
            if let old, old.attributes.kind == node.attributes.kind, old.target == node.target {
                return old.attributes.inode == number ? nil : "\(path) has got another number"
            }
            if old?.attributes.inode == number { return "\(path) became something else under its old number" }
            if let owner = owners[number] { return "\(path) has the number that \(owner) had" }
            owners[number] = path
            return nil
        case .host, .generated: return "\(path) is no file of the catalog"
        case nil: return "\(path) has no number"
        }
    }

    private mutating func claim(_ number: UInt64, _ owner: String) -> String? {
        let known = owners.updateValue(owner, forKey: number) ?? owner
        return known == owner ? nil : "\(owner) has the number that \(known) had"
    }
}
