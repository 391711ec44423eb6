internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage

struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Search components, applications and messages, the best hits first.",
        discussion:
            #"All words must occur; "a phrase" occurs as it is; a word that ends in * stands for every word that begins so."#
    )

    @OptionGroup var store: StoreOptions

    @Option(help: "Just components, applications or messages.")
    var kind: SearchHit.Kind?

    @Option(help: ArgumentHelp("Show at most so many hits of a kind.", valueName: "n"))
    var limit = 20

    @Argument(help: "What to look for.", transform: Arguments.text)
    var query: [String]

    func run() throws {
        let hits = try store.open().catalog.search(
            query.joined(separator: " "), in: kind.map { [$0] } ?? SearchHit.Kind.allCases, limit: limit)
        let documents = hits.map(HitDocument.init)
        if store.json { return try Terminal.sayJSON(documents) }
        if !documents.isEmpty { Table.print(HitDocument.header, documents.map(\.cells)) }
    }
}

struct HitDocument: ListedDocument {
    let kind: String
    let id: String
    let title: String
    let snippet: String
    let rank: Double

    init(_ hit: SearchHit) {
        kind = hit.kind.rawValue
        id = hit.id
        title = hit.title
        snippet = hit.snippet
        rank = hit.rank
    }

    static let header = ["KIND", "ID", "TITLE", "MATCH"]
    var cells: [String] { [kind, id, title, snippet] }
}
