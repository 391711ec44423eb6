import OsnovaStorage

/// A notebook on an Osnova data root: what an application writes instead of SQL.
///
/// Run it with `swift run osnova-example DATA_ROOT`; a data root is made by `osnovafs init`.
@main
struct Notebook {
    /// A preference is any Codable type.
    struct Settings: Codable {
        var channel = "notes"
        var opened = 0
    }

    let store: Store
    let batch: BatchWriter

    static func main() async throws {
        guard let path = CommandLine.arguments.dropFirst().first else {
            print("usage: osnova-example DATA_ROOT")
            return
        }
        // Tables need no key; `keys: KeyHierarchy(phrase:)` opens the blobs too.
        let store = try Store.open(at: DataRoot(path: path), keys: nil)
        let notebook = Notebook(store: store, batch: BatchWriter(store.catalog))
        try await notebook.run()
        // What was batched is written, then the database is closed.
        try notebook.batch.close()
        try store.close()
    }

    func run() async throws {
        let settings = try countOpening()
        try install()
        // Observers hear of every writer, other processes included; begin before what is to be heard of.
        let changes = try store.catalog.changes(of: [.messages])
        try writeNote("Call Ada about the harbour", in: settings.channel)
        for await changed in changes {
            print("changed: \(changed.map(\.rawValue).sorted().joined(separator: ", "))")
            break
        }
        try show(settings.channel)
    }

    /// Reads and writes in one transaction: nobody else's change comes between.
    func countOpening() throws -> Settings {
        try store.catalog.write { writing in
            var settings = try writing.reading.preference("notebook", as: Settings.self) ?? Settings()
            settings.opened += 1
            try writing.setPreference("notebook", to: settings)
            return settings
        }
    }

    /// Installs the application, which the mount shows at once; a launch need not wait for the disk.
    func install() throws {
        let manifest = #"{"id": "org.example.notebook", "name": "Notebook", "author": "Ada", "version": "1.0.0"}"#
        let application = Application(
            id: "org.example.notebook", name: "Notebook", version: "1.0.0", description: "Short notes",
            author: "Ada", manifest: manifest)
        try store.catalog.write { try $0.save(application) }
        try batch.applicationLaunched(application.id)
    }

    func writeNote(_ text: String, in channel: String) throws {
        try store.catalog.write { _ = try $0.save(Message(channel: channel, sender: "notebook", body: text)) }
    }

    /// Lists page by page: a cursor stays right while others write.
    func show(_ channel: String) throws {
        var cursor: Cursor?
        repeat {
            let page = try store.catalog.read {
                try $0.messages(MessageFilter(channel: channel), after: cursor, limit: 50)
            }
            for message in page.rows { print("\(message.id)  \(message.body ?? "")") }
            cursor = page.next
        } while cursor != nil
        for hit in try store.catalog.search("harb*", in: [.message]) { print("found: \(hit.snippet)") }
        print("by Ada: \(try store.catalog.applications(whereManifest: "author", is: "Ada").map(\.name))")
    }
}
