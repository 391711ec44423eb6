internal import ArgumentParser
internal import Catalog

/// Which part of a listing is shown: options of every command that lists rows.
struct PageOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Show at most so many rows, 1 to 10000.", valueName: "n"))
    var limit: Int?

    @Option(
        help: ArgumentHelp("Go on after an earlier page: its cursor.", valueName: "cursor"), transform: Arguments.text)
    var after: String?

    private static let pageSize = 1000

    /// Shows a listing: all of it, or one page and the cursor of the next.
    ///
    /// As JSON, all of it is a list and a page an object.
    func say<Row, Document: ListedDocument>(
        json: Bool, as document: (Row) -> Document, _ page: (_ after: Cursor?, _ limit: Int) throws -> Page<Row>
    ) throws {
        var documents: [Document] = []
        var next = after.map { Cursor($0) }
        repeat {
            let found = try page(next, limit ?? Self.pageSize)
            documents += found.rows.map(document)
            next = found.next
        } while next != nil && limit == nil
        if json {
            guard limit != nil else { return try Terminal.sayJSON(documents) }
            return try Terminal.sayJSON(PageDocument(items: documents, next: next?.description))
        }
        if !documents.isEmpty { Table.print(Document.header, documents.map(\.cells)) }
        if let next { Terminal.sayOnError("more: --after \(next)") }
    }
}

/// A page as a script gets it; `next` is left out at the end.
struct PageDocument<Item: Encodable>: Encodable {
    let items: [Item]
    let next: String?
}

/// A Unix time as an argument.
struct TimeArgument: ExpressibleByArgument {
    let seconds: Int64

    init?(argument: String) {
        guard let seconds = Int64(argument) else { return nil }
        self.seconds = seconds
    }
}
