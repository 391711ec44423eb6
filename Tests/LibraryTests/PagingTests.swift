import OsnovaStorage
import Testing

/// Pages and sums over rows whose keys are such as no program should write.
@Suite struct PagingTests {
    /// What a listing has, read in pages; more rows than there are were listed twice.
    private func all<Row>(_ most: Int, _ page: (Cursor?) throws -> Page<Row>) throws -> [Row] {
        var rows: [Row] = []
        var cursor: Cursor?
        repeat {
            let found = try page(cursor)
            rows += found.rows
            cursor = found.next
        } while cursor != nil && rows.count <= most
        return rows
    }

    @Test(arguments: [1, 2, 3, 100]) func `each row is listed once, whatever its key is made of`(limit: Int) throws {
        let library = try Library()
        try library.sqlite(
            """
            INSERT INTO user_preferences VALUES ('', '1', 1), ('a', '2', 1), ('a' || char(0) || '1', '3', 1),
                ('a' || char(0) || '2', '4', 1), (CAST(x'41FF' AS TEXT), '5', 1), (CAST(x'41FE' AS TEXT), '6', 1),
                (x'41FF', '7', 1), (x'', '8', 1), (x'00', '9', 1), ('é', '10', 1), (NULL, '11', 1), (NULL, '12', 1)
            """)
        let values = try library.catalog.read { reading in
            try all(12) { try reading.preferences(after: $0, limit: limit) }.map(\.json)
        }
        let stored = try library.sqlite("SELECT value FROM user_preferences WHERE key IS NOT NULL ORDER BY key")
        #expect(values.joined(separator: "\n") == stored)
    }

    @Test(arguments: [1, 2, 100]) func `each row is listed once, whatever stands in place of its time`(limit: Int)
        throws
    {
        let library = try Library()
        try library.sqlite(
            """
            INSERT INTO messages(channel, sender, timestamp, body) VALUES ('c', 's', 1, '1'), ('c', 's', 1.5, '2'),
                ('c', 's', 'x' || char(0) || 'y', '3'), ('c', 's', 'x' || char(0) || 'z', '4'), ('c', 's', x'01', '5'),
                ('c', 's', '5' || char(0), '6'), ('c', 's', 9e999, '7'), ('c', 's', '', '8'), ('c', 's', 1, '9')
            """)
        let bodies = try library.catalog.read { reading in
            try all(9) { try reading.messages(after: $0, limit: limit) }.compactMap(\.body)
        }
        #expect(
            try bodies.joined(separator: "\n")
                == library.sqlite("SELECT body FROM messages ORDER BY timestamp DESC, id DESC"))
    }

    @Test func `a cursor holds the key's bytes`() throws {
        let library = try Library()
        try library.catalog.write { writing in
            for key in ["é", "ü"] { try writing.setPreference(key, to: 1) }
        }
        let cursor = try library.catalog.read { try $0.preferences(limit: 1).next }
        #expect(try #require(cursor).description.hasSuffix(".tc3a9"))
    }

    @Test func `a sum has every row, and a listing every row with a key`() throws {
        let library = try Library()
        try library.sqlite(
            """
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 15000)
            INSERT INTO wallet_transactions
                SELECT NULL, 'f', 't', '1', NULL, 'n', 'pending', NULL, NULL, NULL, NULL, 7, NULL FROM numbers;
            INSERT INTO wallet_transactions(tx_hash, from_address, to_address, amount, network, status, timestamp)
                VALUES ('1', 'f', 't', '1', 'n', 'pending', 7), ('2', 'f', 't', '1', 'n', 'pending', 7),
                    ('3', 'f', 't', '1', 'm', 'pending', 7);
            """)
        try library.catalog.read { (reading: Reading) throws -> Void in
            #expect(try reading.total(network: "n").text == "15002")
            #expect(try reading.total(TransactionFilter(from: "f"), network: "m").text == "1")
            #expect(try all(3) { try reading.transactions(after: $0, limit: 1) }.map(\.hash) == ["3", "2", "1"])
        }
    }

    @Test func `a cache entry without an address hides none that was used with it`() throws {
        let library = try Library()
        try library.sqlite(
            """
            INSERT INTO autonomi_cache VALUES (NULL, 'h', 'h', 1, 't', 1, 5, 1), (NULL, 'h', 'h', 1, 't', 1, 5, 1),
                ('a', 'h', 'h', 1, 't', 1, 5, 1), ('b', 'h', 'h', 1, 't', 1, 5, 1);
            """)
        let addresses = try library.catalog.read { reading in
            try all(4) { try reading.leastUsedCacheEntries(after: $0, limit: 1) }.map(\.address)
        }
        #expect(addresses == ["a", "b"])
    }
}
