internal import GRDB
internal import Primitives

/// A full-text index as a whole: whether it has the rows that its tables have.
struct SearchIndex {
    /// Its full-text table.
    let name: String
    /// Selects what is to be indexed.
    private let wanted: String
    /// Selects what is indexed.
    private let present: String

    static let all = [
        SearchIndex(
            name: "package_search",
            wanted: """
                SELECT \(RowKind.component.rawValue), CAST(component_id AS BLOB) FROM components
                WHERE component_id IS NOT NULL
                UNION SELECT \(RowKind.application.rawValue), CAST(application_id AS BLOB) FROM applications
                WHERE application_id IS NOT NULL
                """,
            present: """
                SELECT kind, key FROM package_search LEFT JOIN search_documents
                ON search_documents.id = package_search.rowid
                """),
        SearchIndex(
            name: "message_search", wanted: "SELECT id FROM messages", present: "SELECT rowid FROM message_search"),
    ]

    /// What is wrong with it, in a line; nil for one that is sound and whole.
    ///
    /// - Throws: anything but `damaged`.
    func finding(in catalog: Catalog) throws -> String? {
        do {
            try catalog.maintain { try $0.execute(sql: "INSERT INTO \(name)(\(name)) VALUES ('integrity-check')") }
            let isWhole = try catalog.writeDerived { writing in
                try writing.settle(atMost: .max)
                return try hasRowsOfTables(writing.database)
            }
            return isWhole ? nil : "the full-text index \(name) has other rows than its tables: \(advice)"
        } catch let error as OsnovaError where error.kind == .damaged {
            return "the full-text index \(name) is damaged (\(error)): \(advice)"
        }
    }

    private var advice: String { "'osnovafs db check --repair' makes it anew" }

    private func hasRowsOfTables(_ database: Database) throws -> Bool {
        let lost = "SELECT * FROM (\(wanted)) EXCEPT \(present)"
        let left = "\(present) EXCEPT SELECT * FROM (\(wanted))"
        return try Bool.fetchOne(database, sql: "SELECT NOT EXISTS (\(lost)) AND NOT EXISTS (\(left))") == true
    }

    /// Makes all indexes anew from their tables, the fields of manifests included.
    static func rebuild(_ database: Database) throws {
        for index in all {
            // Deleting reads the index, which 'rebuild' makes sound before.
            try database.execute(sql: "INSERT INTO \(index.name)(\(index.name)) VALUES ('rebuild')")
            try database.execute(sql: "DELETE FROM \(index.name)")
        }
        try database.execute(sql: "DELETE FROM search_documents; DELETE FROM manifest_fields")
        try PackageIndex(database: database).indexEverything()
        try MessageIndex(database: database).indexEverything()
    }
}
