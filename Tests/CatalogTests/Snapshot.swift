import Primitives
import Testing
import Tree

@testable import Catalog

/// A whole tree as a driver's thread reads it.
struct Snapshot {
    struct Node: Equatable {
        let attributes: Attributes
        /// Of a document.
        let content: [UInt8]?
        /// Of a symbolic link.
        let target: [UInt8]?
    }

    /// By path; the root's is empty.
    private(set) var nodes: [String: Node] = [:]

    init(_ reader: CatalogReader) throws {
        let root = try #require(try reader.attributes(of: FixedNode.root.inode))
        nodes[""] = Node(attributes: root, content: nil, target: nil)
        try add(FixedNode.root.inode, "", reader)
    }

    var paths: Set<String> { Set(nodes.keys) }

    subscript(_ path: String) -> Node? { nodes[path] }

    func inode(_ path: String) -> UInt64? { nodes[path]?.attributes.inode }

    func text(_ path: String) -> String? { nodes[path]?.content.map { String(decoding: $0, as: UTF8.self) } }

    /// The entries of a directory, and the inode behind each.
    func entries(_ path: String) -> [String: UInt64] {
        let prefix = path.isEmpty ? "" : path + "/"
        var found: [String: UInt64] = [:]
        for (other, node) in nodes where other != path && other.hasPrefix(prefix) {
            let name = String(other.dropFirst(prefix.count))
            if !name.contains("/") { found[name] = node.attributes.inode }
        }
        return found
    }

    private mutating func add(_ directory: Inode, _ path: String, _ reader: CatalogReader) throws {
        guard case .node(let id) = directory else { return }
        for (name, attributes) in try Self.list(id, reader) {
            let text = String(decoding: name, as: UTF8.self)
            let child = path.isEmpty ? text : "\(path)/\(text)"
            // What a listing says, a lookup and the number itself say too.
            let found = try name.withUnsafeBytes { try reader.lookup($0, in: id) }
            let inode = try #require(Inode(number: attributes.inode), "\(child)")
            #expect(found == attributes, "\(child)")
            #expect(try reader.attributes(of: inode) == attributes, "\(child)")
            let node = try Node(
                attributes: attributes, content: Self.content(inode, reader), target: Self.target(inode, reader))
            if let content = node.content { #expect(content.count == attributes.size, "\(child)") }
            #expect(nodes.updateValue(node, forKey: child) == nil, "\(child) is listed once")
            if attributes.kind == .directory { try add(inode, child, reader) }
        }
    }

    private static func content(_ inode: Inode, _ reader: CatalogReader) throws -> [UInt8]? {
        guard case .document(let document, let node) = inode else { return nil }
        let content = try reader.content(of: document, node: node)
        #expect(content != nil)
        return content
    }

    private static func target(_ inode: Inode, _ reader: CatalogReader) throws -> [UInt8]? {
        guard case .node(let id) = inode else { return nil }
        return try reader.target(of: id)
    }

    /// A directory, listed three entries at a time.
    static func list(_ directory: Int64, _ reader: CatalogReader) throws -> [(name: [UInt8], attributes: Attributes)] {
        var all: [(name: [UInt8], attributes: Attributes)] = []
        var last: UInt64 = 0
        while true {
            let start = all.count
            try reader.list(directory, after: last) { name, attributes, cookie in
                #expect(cookie > last)
                last = cookie
                all.append((Array(name), attributes))
                return all.count < start + 3
            }
            if all.count == start { return all }
        }
    }
}
