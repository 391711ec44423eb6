import Foundation
import GRDB
import Primitives
import TestSupport
import Tree

@testable import Catalog

/// Does something at random to a database and, in the same terms, to its model.
struct RandomOperations {
    private static let ids = ["c", "ant://c/2", "", "100%", String(repeating: "long", count: 70)]
    private static let versions = ["1.0.0", "2.0.0"]
    private static let addresses = ["ant://x", "ant://y", "local:c@1.0.0", "local:c@2.0.0", "local:100%@1.0.0"]
    private static let texts = (0..<6).map { "content \($0)" }
    private static let types: [MediaType] = [.unknown, .program, .png, .tar]

    let base: Base
    var model = Model()
    var generator: SeededGenerator

    init(_ base: Base, seed: UInt64) throws {
        self.base = base
        generator = SeededGenerator(seed: seed)
        for (index, text) in Self.texts.enumerated() {
            model.blobs[try id(text).hex] = Model.Blob(text: text, size: Int64(index * 1000))
        }
    }

    private mutating func pick<Item>(_ items: [Item]) -> Item {
        items[Int.random(in: 0..<items.count, using: &generator)]
    }

    private mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < share }

    /// One operation, settled; what it was.
    mutating func step() throws -> String {
        let done: String
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<8: done = try foreign(count: 1)
        case 8..<11: done = try foreign(count: Int.random(in: 2...6, using: &generator))
        case 11..<13: done = try put()
        case 13: done = try comeByFile()
        case 14..<18: done = try upload()
        case 18: done = try ourOwnRow()
        default: done = try vacuum()
        }
        try base.catalog.retryWaitingRows()
        try base.catalog.settle()
        model.meetNamedBlobs()
        return done
    }

    // MARK: Another program's SQL

    private mutating func foreign(count: Int) throws -> String {
        var statements: [String] = []
        for _ in 0..<count {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: statements.append(componentRow())
            case 1: statements.append(registration())
            case 2: statements.append(applicationRow())
            default: statements.append(cacheRow())
            }
        }
        let sql = "BEGIN; " + statements.joined(separator: "; ") + "; COMMIT"
        try base.foreign(sql)
        return sql
    }

    private mutating func componentRow() -> String {
        let id = pick(Self.ids)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0:
            model.components[id] = nil
            return "DELETE FROM components WHERE component_id = '\(id)'"
        case 1:
            let other = pick(Self.ids)
            guard other != id, let moved = model.components.removeValue(forKey: id) else { return "SELECT 1" }
            model.components[other] = moved
            return "UPDATE OR REPLACE components SET component_id = '\(other)' WHERE component_id = '\(id)'"
        case 2:
            model.components[id]?.manifest = "changed"
            return "UPDATE components SET manifest_json = 'changed' WHERE component_id = '\(id)'"
        default:
            let component = Model.Component(
                version: pick(Self.versions), manifest: pick(["{}", "[]", "no JSON"]),
                address: chance(0.5) ? pick(Self.addresses) : nil)
            model.components[id] = component
            let address = component.address.map { "'\($0)'" } ?? "NULL"
            return """
                REPLACE INTO components VALUES ('\(id)', 'n', '\(component.version)', 'backend', NULL, NULL, NULL,
                '\(component.manifest)', \(address), 1, NULL)
                """
        }
    }

    private mutating func registration() -> String {
        let id = pick(Self.ids)
        if chance(0.3) {
            model.registrations[id] = nil
            return "DELETE FROM component_registry WHERE component_id = '\(id)'"
        }
        let heartbeat = Int.random(in: 0..<1000, using: &generator)
        model.registrations[id] = heartbeat
        return "REPLACE INTO component_registry VALUES ('\(id)', '1', 1, 'e', 'running', 1, \(heartbeat), 0)"
    }

    private mutating func applicationRow() -> String {
        let id = pick(Self.ids)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0:
            model.applications[id] = nil
            return "DELETE FROM applications WHERE application_id = '\(id)'"
        case 1:
            let icon = pick(Array(model.blobs.keys.sorted()) + ["no hash"])
            model.applications[id]?.icon = icon
            return "UPDATE applications SET icon_blob_hash = '\(icon)' WHERE application_id = '\(id)'"
        default:
            let links = Self.ids.filter { _ in chance(0.4) }
            let application = Model.Application(
                icon: chance(0.7) ? pick(model.blobs.keys.sorted()) : nil, links: links)
            model.applications[id] = application
            let icon = application.icon.map { "'\($0)'" } ?? "NULL"
            return """
                REPLACE INTO applications(application_id, name, version, manifest_json, icon_blob_hash, installed_at)
                VALUES ('\(id)', 'n', '1', '\(application.manifest)', \(icon), 1)
                """
        }
    }

    private mutating func cacheRow() -> String {
        let address = pick(Self.addresses)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
            model.cache[address] = nil
            return "DELETE FROM autonomi_cache WHERE autonomi_address = '\(address)'"
        case 1:
            let other = pick(Self.addresses)
            guard other != address, let hash = model.cache.removeValue(forKey: address) else { return "SELECT 1" }
            model.cache[other] = hash
            return """
                UPDATE OR REPLACE autonomi_cache SET autonomi_address = '\(other)' WHERE autonomi_address = '\(address)'
                """
        default:
            let hash = pick(model.blobs.keys.sorted() + ["no hash"])
            model.cache[address] = hash
            return "REPLACE INTO autonomi_cache VALUES ('\(address)', 'h', '\(hash)', 1, 't', 1, 1, 1)"
        }
    }

    // MARK: Our own writes

    private mutating func ourOwnRow() throws -> String {
        let id = pick(Self.ids)
        if chance(0.3) {
            let wasThere = try base.catalog.write { try $0.removeComponent(id) }
            precondition(wasThere == (model.components[id] != nil))
            (model.components[id], model.registrations[id]) = (nil, nil)
            return "remove component \(id)"
        }
        let version = pick(Self.versions)
        try base.catalog.write {
            try $0.save(Component(id: id, name: "n", version: version, kind: .frontend, manifest: "ours"))
        }
        model.components[id] = Model.Component(version: version, manifest: "ours")
        return "save component \(id)"
    }

    private mutating func verified() throws -> VerifiedBlob {
        let hash = pick(model.blobs.keys.sorted())
        let blob = model.blobs[hash]
        let type = blob?.type == .unknown ? pick(Self.types) : blob?.type ?? .unknown
        model.blobs[hash]?.type = type
        model.blobs[hash]?.hasFile = true
        model.blobs[hash]?.isKnown = true
        let size = blob?.size ?? 0
        let content = try id(blob?.text ?? "")
        base.files.add(content, size: size)
        return VerifiedBlob(
            id: content, extent: BlobExtent(plain: size), nonce: [UInt8](repeating: 7, count: 12), tags: [],
            mediaType: type)
    }

    private mutating func put() throws -> String {
        let blob = try verified()
        _ = try base.catalog.write { try $0.record(blob) }
        return "put \(blob.id) as \(blob.mediaType)"
    }

    private mutating func comeByFile() throws -> String {
        let hash = pick(model.blobs.keys.sorted())
        guard let blob = model.blobs[hash] else { return "" }
        base.files.add(try id(blob.text), size: blob.size)
        model.blobs[hash]?.hasFile = true
        return "file \(hash)"
    }

    private mutating func vacuum() throws -> String {
        try base.foreign("VACUUM")
        if chance(0.5) { try base.reopen() }
        return "VACUUM"
    }

    // MARK: Uploaded files

    private mutating func upload() throws -> String {
        let path = (0...Int.random(in: 0..<3, using: &generator)).map { _ in pick(["a", "b", "ž"]) }
        let file: Model.File
        let blob = try chance(0.6) ? verified() : nil
        if let blob {
            file = .file(blob: blob.id.hex)
        } else {
            file = chance(0.5) ? .directory : .link(target: pick(["x", "y"]))
        }
        let isPossible = store(file, at: path)
        let components = path.map { bytes($0) }
        do {
            try base.catalog.write { writing in
                let row = try blob.map { try writing.record($0) }
                try writing.attempt {
                    switch file {
                    case .directory: try writing.saveDirectory(at: components)
                    case .link(let target): try writing.saveSymbolicLink(at: components, target: bytes(target))
                    case .file: if let row { try writing.saveFile(at: components, blob: row) }
                    }
                }
            }
            precondition(isPossible, "\(path) was stored where it cannot be")
        } catch let error as OsnovaError where error.kind == .cannotCreate && !isPossible {
            // The transaction is as if it had never been; the blob is put by itself.
            if let blob { _ = try base.catalog.write { try $0.record(blob) } }
        }
        return "\(file) at \(path)"
    }

    /// Stores a file in the model; whether it can be.
    private mutating func store(_ file: Model.File, at path: [String]) -> Bool {
        var files = model.files
        for depth in 1..<max(1, path.count) {
            let parent = path.prefix(depth).joined(separator: "/")
            guard files[parent] ?? .directory == .directory else { return false }
            files[parent] = .directory
        }
        let place = path.joined(separator: "/")
        if let existing = files[place], (existing == .directory) != (file == .directory) { return false }
        files[place] = file
        model.files = files
        return true
    }
}
