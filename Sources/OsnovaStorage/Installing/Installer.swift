public import Catalog
internal import Primitives
public import SystemPackage

/// Installs components, applications and cached content: files sealed and rows written in one step.
///
/// Used by one thread at a time.
public struct Installer {
    private let store: Store
    private let onNotice: (String) -> Void

    /// Readies an installation.
    ///
    /// - Parameter onNotice: told what a person should know though nothing failed.
    public init(store: Store, onNotice: @escaping (String) -> Void = { _ in }) {
        self.store = store
        self.onNotice = onNotice
    }

    /// Installs a component, or brings it to another version.
    ///
    /// - Parameters:
    ///   - manifest: the bytes of the manifest, kept as they are.
    ///   - source: what messages call the manifest.
    ///   - artifact: a file to seal and to cache under the component's address.
    /// - Throws: `damaged` for a malformed manifest or an artifact that is not what its `hash` says.
    public func installComponent(manifest bytes: [UInt8], source: String, artifact: FilePath?) throws -> Component {
        let manifest = try Manifest(bytes, source: source)
        let component = try Self.component(of: manifest)
        guard let artifact else {
            try store.catalog.write { try $0.save(component) }
            return component
        }
        let expected = try expectedHash(manifest)
        let batch = try PutBatch(store: store)
        let id = try batch.add(.file(artifact)) { writing, _, result in
            _ = try Self.saveCached(component.artifactAddress, result, dataType: "artifact", writing)
            try writing.save(component)
        }
        if let expected, id.hex != expected {
            throw manifest.refusal("\"hash\" is sha256:\(expected), but the artifact has sha256:\(id)")
        }
        try commit(batch)
        return component
    }

    /// Removes a component; its cached content stays until the cache lets go of it.
    ///
    /// - Throws: `notFound`, `busy` while the component runs.
    public func removeComponent(_ id: String) throws {
        let wasThere = try store.remove { writing in
            if let found = try writing.reading.registration(of: id), found.status.isActive,
                try writing.reading.isAlive(found) != false
            {
                throw OsnovaError(
                    .busy, "component \(id) is \(found.status) as process \(found.processID): stop it first")
            }
            return try writing.removeComponent(id)
        }
        guard wasThere else {
            throw OsnovaError(.notFound, "there is no component \(id)")
        }
    }

    /// Installs an application, or brings it to another version.
    ///
    /// - Parameters:
    ///   - manifest: the bytes of the manifest, kept as they are.
    ///   - source: what messages call the manifest.
    ///   - icon: a file to seal; without one an earlier icon stays.
    public func installApplication(manifest bytes: [UInt8], source: String, icon: FilePath?) throws -> Application {
        let manifest = try Manifest(bytes, source: source)
        var application = try Self.application(of: manifest)
        guard let icon else {
            try store.catalog.write { try $0.save(application) }
            return application
        }
        let batch = try PutBatch(store: store)
        try batch.add(.file(icon)) { writing, _, result in
            application.icon = result.id
            try writing.save(application)
        }
        try commit(batch)
        return application
    }

    /// Removes an application; its icon's content stays until nothing refers to it.
    ///
    /// - Throws: `notFound`.
    public func removeApplication(_ id: String) throws {
        guard try store.remove({ try $0.removeApplication(id) }) else {
            throw OsnovaError(.notFound, "there is no application \(id)")
        }
    }

    /// Caches the content of a network address.
    ///
    /// - Parameters:
    ///   - address: not empty.
    ///   - dataType: what the network calls the content: `chunk`, `file`, …
    public func cache(_ address: String, content: FilePath, dataType: String) throws -> CacheEntry {
        guard !address.isEmpty, !address.utf8.contains(0) else {
            throw OsnovaError(.usage, "a cache address must not be empty: give the content's network address")
        }
        var entry: CacheEntry?
        let batch = try PutBatch(store: store)
        try batch.add(.file(content)) { writing, _, result in
            entry = try Self.saveCached(address, result, dataType: dataType, writing)
        }
        try commit(batch)
        guard let entry else { throw OsnovaError(.inputOutput, "\(address) was not cached") }
        return entry
    }

    private static func saveCached(
        _ address: String, _ result: PutResult, dataType: String, _ writing: Writing
    ) throws -> CacheEntry {
        var entry = CacheEntry(address: address, content: result.id, size: result.size, dataType: dataType)
        // By a clock that was set back it would be the first to be evicted.
        entry.lastAccessed = try writing.reading.cacheTime()
        try writing.save(entry)
        return entry
    }

    private func commit(_ batch: PutBatch) throws {
        if let failure = try batch.commit().first { throw failure }
    }

    // MARK: Manifests

    private static func component(of manifest: Manifest) throws -> Component {
        let id = try manifest.required("id")
        let name = try manifest.required("name")
        let version = try manifest.required("version")
        guard SemanticVersion(version) != nil else {
            throw manifest.refusal("\"version\" is \"\(version)\": it must be a semantic version such as 1.2.3")
        }
        let kind = try manifest.required("kind", or: "type")
        guard let known = Component.Kind(rawValue: kind) else {
            throw manifest.refusal("\"kind\" is \"\(kind)\": it must be \"frontend\" or \"backend\"")
        }
        return Component(
            id: id, name: name, version: version, kind: known,
            description: try manifest.optional("description"), author: try manifest.optional("author"),
            license: try manifest.optional("license"), manifest: manifest.text,
            autonomiAddress: try manifest.optionalFilled("autonomiAddress"))
    }

    private static func application(of manifest: Manifest) throws -> Application {
        try manifest.checkComponents()
        return Application(
            id: try manifest.required("id"), name: try manifest.required("name"),
            version: try manifest.required("version"), description: try manifest.required("description"),
            author: try manifest.optional("publisher"), manifest: manifest.text,
            autonomiAddress: try manifest.optionalFilled("autonomiAddress"))
    }

    private func expectedHash(_ manifest: Manifest) throws -> String? {
        guard let hash = try manifest.optional("hash") else { return nil }
        guard hash.lowercased().hasPrefix("sha256:") else {
            onNotice("the manifest's hash \"\(hash)\" is of an algorithm that is not checked here; it is kept")
            return nil
        }
        let digits = hash.dropFirst("sha256:".count).lowercased()
        guard ContentID(hex: digits) != nil else {
            throw manifest.refusal("\"hash\" is \"\(hash)\": sha256: takes 64 hexadecimal digits")
        }
        return digits
    }
}
