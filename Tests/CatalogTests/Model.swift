import Foundation
import Primitives
import Tree

@testable import Catalog

/// What the database should show, kept in plain collections: the rows as they are, and the tree that they make.
struct Model {
    struct Component {
        var version: String
        var manifest: String
        var address: String?
    }

    struct Application {
        var icon: String?
        var links: [String]

        var manifest: String {
            let list = links.map { #"{"id":"\#($0)"}"# }.joined(separator: ",")
            return #"{"components":[\#(list)]}"#
        }
    }

    struct Blob {
        let text: String
        let size: Int64
        /// Of the first bytes; `unknown` until it was verified.
        var type = MediaType.unknown
        /// Whether its sealed file is there.
        var hasFile = false
        /// Whether the database knows it.
        var isKnown = false
    }

    enum File: Equatable {
        case directory
        case file(blob: String)
        case link(target: String)
    }

    /// What a path shows.
    struct Expectation: Equatable {
        var kind: Attributes.Kind
        var blob: String?
        var target: String?
        var text: String?
        /// Part of the text of a document that is made from a row.
        var member: String?
    }

    var components: [String: Component] = [:]
    /// Heartbeats.
    var registrations: [String: Int] = [:]
    var applications: [String: Application] = [:]
    /// Hashes.
    var cache: [String: String] = [:]
    var files: [String: File] = [:]
    var blobs: [String: Blob] = [:]

    /// A row that names a blob whose file is there has made it known.
    mutating func meetNamedBlobs() {
        for hash in cache.values + applications.values.compactMap(\.icon) where blobs[hash]?.hasFile == true {
            blobs[hash]?.isKnown = true
        }
    }

    func tree() throws -> [String: Expectation] {
        var tree: [String: Expectation] = ["": Expectation(kind: .directory)]
        for node in FixedNode.allCases where ![.root, .snapshots].contains(node) {
            tree[node.name] = Expectation(kind: .directory)
        }
        for (hash, blob) in blobs where blob.isKnown { tree["blobs/\(hash)"] = link(to: hash) }
        for (id, component) in components { try add(component, id, &tree) }
        for (id, application) in applications { try add(application, id, &tree) }
        for (address, hash) in cache { try tree["cache/" + name(address)] = link(to: hash) }
        for (path, file) in files {
            tree["files/\(path)"] =
                switch file {
                case .directory: Expectation(kind: .directory)
                case .file(let hash): link(to: hash)
                case .link(let target): Expectation(kind: .symbolicLink, target: target)
                }
        }
        return tree
    }

    private func add(_ component: Component, _ id: String, _ tree: inout [String: Expectation]) throws {
        let place = try "components/" + name(id)
        tree[place] = Expectation(kind: .directory)
        tree["\(place)/manifest.json"] = Expectation(kind: .file, text: component.manifest)
        tree["\(place)/metadata.json"] = Expectation(kind: .file, member: #""version" : "\#(component.version)""#)
        if let heartbeat = registrations[id] {
            tree["\(place)/status.json"] = Expectation(kind: .file, member: #""last_heartbeat" : \#(heartbeat)"#)
        }
        if let hash = cache[component.address ?? "local:\(id)@\(component.version)"], let blob = blobs[hash],
            blob.isKnown
        {
            tree["\(place)/artifact\(blob.type.suffix)"] = link(to: hash)
        }
    }

    private func add(_ application: Application, _ id: String, _ tree: inout [String: Expectation]) throws {
        let place = try "apps/" + name(id)
        tree[place] = Expectation(kind: .directory)
        tree["\(place)/manifest.json"] = Expectation(kind: .file, text: application.manifest)
        tree["\(place)/metadata.json"] = Expectation(kind: .file, member: #""installed_at" : 1"#)
        tree["\(place)/components"] = Expectation(kind: .directory)
        for id in application.links {
            let name = try name(id)
            tree["\(place)/components/\(name)"] = Expectation(
                kind: .symbolicLink, target: "../../../components/\(name)")
        }
        if let hash = application.icon, let blob = blobs[hash], blob.isKnown {
            tree["\(place)/icon\(blob.type.suffix)"] = link(to: hash)
        }
    }

    private func link(to hash: String) -> Expectation? {
        guard let blob = blobs[hash], blob.isKnown else { return nil }
        return Expectation(kind: blob.type == .program ? .program : .file, blob: hash)
    }

    private func name(_ id: String) throws -> String { String(decoding: try FileName.encode(id), as: UTF8.self) }
}
