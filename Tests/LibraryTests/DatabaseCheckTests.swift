import OsnovaStorage
import Testing

/// What a check of the database says, and of what.
@Suite struct DatabaseCheckTests {
    @Test func `a database that another process writes is busy, not damaged`() throws {
        let library = try Library()
        let impatient = try Catalog(path: library.path, patience: 0.01) { _ in nil }
        try library.catalog.write { writing in
            try writing.setPreference("k", to: 1)
            expect(.busy) { _ = try impatient.check() }
        }
        #expect(try impatient.check().findings == [])
    }

    @Test(arguments: [
        "DELETE FROM search_documents WHERE key = CAST('c' AS BLOB)", "DELETE FROM search_documents",
        "DELETE FROM package_search WHERE rowid = 1", "DELETE FROM message_search WHERE rowid = 1",
        "INSERT INTO message_search(rowid, body) VALUES (7, 'nothing')",
        "DELETE FROM package_search_data WHERE id > 10",
        "UPDATE message_search_data SET block = x'00' WHERE id > 10",
    ])
    func `an index that is not whole is told, and made anew`(harm: String) throws {
        let library = try Library()
        for id in ["c", "d"] { try library.install(id, manifest: #"{"author": "Ada"}"#) }
        try library.catalog.write { writing in
            try writing.save(Application(id: "a", name: "n", version: "1", manifest: "{}"))
            for text in ["harbour", "lighthouse"] {
                try writing.save(Message(channel: "general", sender: "ada", body: text))
            }
        }
        try library.sqlite(harm)
        #expect(try library.catalog.check().findings.contains { $0.contains("_search") })
        #expect(try library.catalog.check(repairing: true).findings == [])
        #expect(try library.catalog.check().findings == [])
        for id in ["a", "c", "d"] { #expect(try library.catalog.search(id).contains { $0.id == id }) }
        #expect(try library.catalog.components(whereManifest: "author", is: "Ada").count == 2)
        #expect(try library.catalog.search("harbour").map(\.id) == ["1"])
    }

    @Test func `what cannot be used is noted`() throws {
        let library = try Library()
        try library.sqlite(
            """
            INSERT INTO wallet_transactions VALUES
                ('t', 'f', 't', '1e5', NULL, 'n', 'pending', '-1', '1.5', NULL, NULL, 1, NULL),
                ('s', 'f', 't', '1', NULL, 'n', 'pending', NULL, NULL, NULL, NULL, 1, NULL),
                (NULL, 'f', 't', '1', NULL, 'n', 'pending', NULL, NULL, NULL, NULL, 1, NULL),
                (NULL, 'f', 't', '1', NULL, 'n', 'pending', NULL, NULL, NULL, NULL, 1, NULL);
            INSERT INTO user_preferences VALUES ('a' || char(0) || 'b', '1', 1), ('p', 'no json', 1);
            """)
        let report = try library.catalog.check()
        #expect(report.findings == [])
        #expect(
            report.notes == [
                "value of p in user_preferences is no JSON",
                "amount of t in wallet_transactions is no decimal number",
                "gas_used of t in wallet_transactions is no decimal number",
                "rows of wallet_transactions without a tx_hash: 2",
                "rows of user_preferences whose key holds a NUL character: 1",
            ])
    }
}
