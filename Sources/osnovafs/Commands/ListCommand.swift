internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage
internal import Primitives

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List what is stored.")

    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case blobs, components, apps, cache
    }

    @OptionGroup var store: StoreOptions

    @Argument(help: "What to list.")
    var subject: Subject = .blobs

    func run() throws {
        let opened = try store.open()
        switch subject {
        case .blobs: try listBlobs(opened)
        case .components: try list(opened.catalog.read { try $0.components() }.map(ComponentDocument.init))
        case .apps: try list(opened.catalog.read { try $0.applications() }.map(ApplicationDocument.init))
        case .cache: try list(CacheDocument.list(opened))
        }
    }

    private func list(_ documents: [some ListedDocument]) throws {
        try documents.say(asJSON: store.json)
    }

    private func listBlobs(_ opened: Store) throws {
        var all: [BlobDocument] = []
        try opened.forEachBlob { blob in
            let document = BlobDocument(blob)
            if store.json { all.append(document) } else { Terminal.say("\(blob.id)  \(blob.size)") }
        }
        if store.json { try Terminal.sayJSON(all) }
    }
}

/// A row that can be listed.
protocol ListedDocument: Encodable {
    static var header: [String] { get }
    var cells: [String] { get }
}

extension Array where Element: ListedDocument {
    /// Writes one document, or a table for eyes.
    func say(asJSON: Bool) throws {
        if asJSON { return try Terminal.sayJSON(self) }
        if !isEmpty { Table.print(Element.header, map(\.cells)) }
    }
}

struct BlobDocument: Encodable {
    let sha256: String
    let size: Int64
    let storedSize: Int64
    let createdAt: Int64

    init(_ blob: BlobRecord) {
        sha256 = blob.id.hex
        size = blob.size
        storedSize = blob.storedSize
        createdAt = blob.created / 1_000_000_000
    }
}

struct ComponentDocument: ListedDocument {
    let id: String
    let name: String
    let version: String
    let kind: String
    let description: String?
    let author: String?
    let license: String?
    let autonomiAddress: String?
    let installedAt: Int64
    let lastUsed: Int64?

    init(_ component: Component) {
        id = component.id
        name = component.name
        version = component.version
        kind = component.kind.rawValue
        description = component.description
        author = component.author
        license = component.license
        autonomiAddress = component.autonomiAddress
        installedAt = component.installedAt
        lastUsed = component.lastUsed
    }

    static let header = ["ID", "VERSION", "KIND", "NAME"]
    var cells: [String] { [id, version, kind, name] }
}

struct ApplicationDocument: ListedDocument {
    let id: String
    let name: String
    let version: String
    let description: String?
    let publisher: String?
    let icon: String?
    let autonomiAddress: String?
    let installedAt: Int64
    let lastLaunched: Int64?
    let launchCount: Int64

    init(_ application: Application) {
        id = application.id
        name = application.name
        version = application.version
        description = application.description
        publisher = application.author
        icon = application.icon?.hex
        autonomiAddress = application.autonomiAddress
        installedAt = application.installedAt
        lastLaunched = application.lastLaunched
        launchCount = application.launchCount
    }

    static let header = ["ID", "VERSION", "NAME"]
    var cells: [String] { [id, version, name] }
}

struct CacheDocument: ListedDocument {
    let address: String
    let sha256: String
    let size: Int64
    let dataType: String
    let cachedAt: Int64
    let lastAccessed: Int64
    let accessCount: Int64
    let pinned: Bool

    init(_ entry: CacheEntry, isPinned: Bool) {
        address = entry.address
        sha256 = entry.content
        size = entry.size
        dataType = entry.dataType
        cachedAt = entry.cachedAt
        lastAccessed = entry.lastAccessed
        accessCount = entry.accessCount
        pinned = isPinned
    }

    static func list(_ opened: Store) throws -> [CacheDocument] {
        try opened.catalog.read { reading in
            try reading.cacheEntries().map { CacheDocument($0, isPinned: try reading.isPinned($0.address)) }
        }
    }

    static let header = ["SHA-256", "SIZE", "USED", "PINNED", "ADDRESS"]
    var cells: [String] { [sha256, "\(size)", Table.time(lastAccessed), pinned ? "yes" : "", address] }
}
