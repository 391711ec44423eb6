internal import Foundation
internal import GRDB
internal import Primitives
internal import Tree

extension Writing {
    /// Gives a file or directory below `/files` another path; directories on the way are made.
    ///
    /// What it is stays the same: a file keeps its inode and a directory its own, with all it holds. A file takes the
    /// place of a file, as `rename(2)` does.
    ///
    /// - Throws: `notFound` where nothing lies at the path, `cannotCreate` where the new path is taken by a directory
    ///   or lies within what is moved, `usage` for a name that no file can have.
    public func renameFile(at path: [[UInt8]], to newPath: [[UInt8]]) throws {
        let node = try uploadedNode(at: path)
        guard path != newPath else { return }
        guard !newPath.starts(with: path) else {
            throw OsnovaError(.cannotCreate, "files/\(Reading.text(newPath)) lies within what is to be moved there")
        }
        let (parent, name) = try place(of: newPath)
        if let existing = try nodes.node(named: name, in: parent) {
            let isTaken = [existing.kind, node.kind].contains(NodeKind.directory.rawValue)
            guard !isTaken else {
                throw OsnovaError(.cannotCreate, "files/\(Reading.text(newPath)) exists already: choose another name")
            }
            try nodes.remove(existing)
        }
        try nodes.move(node, to: parent, named: name)
    }

    /// Removes what lies at a path below `/files`; its content stays stored until nothing refers to it.
    ///
    /// - Parameter recursive: whether a directory goes with all it holds.
    /// - Returns: false where nothing lies there.
    /// - Throws: `cannotCreate` for a directory that is not empty, unless `recursive`.
    public func removeFile(at path: [[UInt8]], recursive: Bool = false) throws -> Bool {
        guard let node = try uploadedNodeIfAny(at: path) else { return false }
        if !recursive, node.kind == NodeKind.directory.rawValue, try !nodes.children(of: node.id).isEmpty {
            throw OsnovaError(
                .cannotCreate, "files/\(Reading.text(path)) is a directory that is not empty: remove it recursively")
        }
        try nodes.remove(node)
        return true
    }

    private func uploadedNode(at path: [[UInt8]]) throws -> NodeWriter.Node {
        guard let node = try uploadedNodeIfAny(at: path) else {
            throw OsnovaError(.notFound, "there is no file files/\(Reading.text(path))")
        }
        return node
    }

    private func uploadedNodeIfAny(at path: [[UInt8]]) throws -> NodeWriter.Node? {
        var directory = FixedNode.files.rawValue
        var found: NodeWriter.Node?
        for name in path {
            found = try nodes.node(named: Data(name), in: directory)
            guard let found else { return nil }
            directory = found.id
        }
        return found
    }
}

extension NodeWriter {
    /// Gives a node another place in the tree.
    ///
    /// Both names are told as changed, not the old one as gone: the kernel would take the inode for a deleted one.
    func move(_ node: Node, to parent: Int64, named name: Data) throws {
        memory.directory = nil
        try run("UPDATE nodes SET parent = ?, name = ? WHERE id = ?", [parent, name, node.id])
        for directory in Set([node.parent, parent]) { try touch(directory) }
        try logAdded(node.name, in: node.parent)
        try logAdded(name, in: parent)
    }
}
