internal import Foundation
internal import GRDB
internal import Primitives
internal import Tree

/// The names of uploaded files: the tree below `/files`. A path is its components, each bytes as Linux has them.
extension Writing {
    /// Records a file under a path, with the directories that it needs; the same path again points to the new content.
    ///
    /// - Parameter blob: the blob's row.
    /// - Throws: `cannotCreate` where a directory has the name, or a file stands where a directory is needed; `usage`
    ///   for a name that no file can have.
    public func saveFile(at path: [[UInt8]], blob: Int64) throws {
        let (directory, name) = try place(of: path)
        guard try !nodes.insertFile(named: name, in: directory, blob: blob),
            let existing = try nodes.node(named: name, in: directory)
        else { return }
        switch NodeKind(rawValue: existing.kind) {
        case .file: try nodes.point(existing, to: blob)
        case .symbolicLink:
            try nodes.remove(existing)
            try nodes.insert(.file, named: name, in: directory, blob: blob)
        default: throw Self.refusal(path, "is a directory of the store")
        }
    }

    /// Records a symbolic link under a path; the same path again gets the new target.
    ///
    /// - Throws: `cannotCreate` where a directory has the name, or a file stands where a directory is needed; `usage` for a
    ///   name or a target that none can have.
    public func saveSymbolicLink(at path: [[UInt8]], target: [UInt8]) throws {
        guard (1...Self.longestTarget).contains(target.count), !target.contains(0) else {
            throw OsnovaError(
                .usage,
                "files/\(Reading.text(path)) cannot be a link with this target: it has 1 to \(Self.longestTarget) bytes, "
                    + "without a NUL")
        }
        let (directory, name) = try place(of: path)
        if let existing = try nodes.node(named: name, in: directory) {
            guard existing.kind != NodeKind.directory.rawValue else {
                throw Self.refusal(path, "is a directory of the store")
            }
            if try nodes.target(of: existing.id) == Data(target) { return }
            try nodes.remove(existing)
        }
        try nodes.insert(.symbolicLink, named: name, in: directory, target: Data(target))
    }

    /// Bytes; what Linux allows.
    private static let longestTarget = 4095

    /// Records a directory, with those above it.
    ///
    /// - Throws: `cannotCreate` where a file stands at the path or on the way.
    public func saveDirectory(at path: [[UInt8]]) throws {
        _ = try directory(at: path[...])
    }

    func place(of path: [[UInt8]]) throws -> (directory: Int64, name: Data) {
        guard let name = path.last else { throw OsnovaError(.usage, "a file needs a name") }
        return (try directory(at: path.dropLast()), try Self.fit(name))
    }

    private func directory(at path: ArraySlice<[UInt8]>) throws -> Int64 {
        if let latest = nodes.memory.directory, latest.path[...] == path { return latest.node }
        var current = FixedNode.files.rawValue
        for (depth, component) in path.enumerated() {
            let name = try Self.fit(component)
            if let existing = try nodes.node(named: name, in: current) {
                guard existing.kind == NodeKind.directory.rawValue else {
                    throw Self.refusal(Array(path.prefix(depth + 1)), "is a file of the store, not a directory")
                }
                current = existing.id
            } else {
                current = try nodes.insert(.directory, named: name, in: current)
            }
        }
        nodes.memory.directory = (Array(path), current)
        return current
    }

    /// Nobody could see a file under a name that Linux does not allow.
    private static func fit(_ name: [UInt8]) throws -> Data {
        guard name.withUnsafeBytes({ FileName.isFit($0) }) else {
            let text = String(decoding: name.prefix(40), as: UTF8.self)
            throw OsnovaError(.usage, "files/…/\(text) is no name for a file: choose one of at most 255 bytes")
        }
        return Data(name)
    }

    private static func refusal(_ path: [[UInt8]], _ reason: String) -> OsnovaError {
        let text = path.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
        return OsnovaError(.cannotCreate, "files/\(text) \(reason): choose another name")
    }
}
