internal import Foundation
internal import GRDB
internal import Primitives

extension Reading {
    /// The number that the next key gets; no key ever had it.
    public func nextGeneration() throws -> Int64 {
        let sql = "SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = 'rekey'"
        let last = max(try Int64.fetchOne(database, sql: sql) ?? 0, try keyGenerations().current)
        guard last < Int64.max else { throw OsnovaError.damaged("the numbers of the database's keys are forged") }
        return last + 1
    }
}

/// The steps of a rekey, each within a transaction.
extension Writing {
    /// Records both keys of a rekey, in place of what is recorded.
    public func setRekey(_ members: [KeyGenerations.Member]) throws {
        try database.execute(sql: "DELETE FROM rekey")
        for member in members {
            try database.execute(
                sql: "INSERT INTO rekey(generation, fingerprint, other_key, is_target) VALUES (?, ?, ?, ?)",
                arguments: [
                    member.generation, Data(member.fingerprint), Data(member.otherKey), member.isTarget ? 1 : 0,
                ])
        }
    }

    /// Ends a rekey: from now on the store has the target's key alone.
    ///
    /// - Throws: `busy` where none is under way, or a content is not sealed under that key yet.
    public func finishRekey() throws {
        guard let target = try reading.keyGenerations().target,
            try !reading.hasBlob(notUnder: target.generation)
        else { throw OsnovaError(.busy, "not every content is sealed anew: run 'osnovafs rekey' again") }
        try setKeyFingerprint(target.fingerprint)
        try database.execute(
            sql: "INSERT OR REPLACE INTO store VALUES ('key_generation', ?)", arguments: [target.generation])
        try database.execute(sql: "DELETE FROM rekey; DELETE FROM blob_generations")
        try database.execute(sql: "DELETE FROM carried_keys WHERE generation <> ?", arguments: [target.generation])
    }

    /// Notes which key a blob's file is sealed under.
    ///
    /// - Throws: `busy` for a key that the store has no more.
    func setGeneration(_ generation: Int64, ofBlob row: Int64, isKnown: Bool) throws {
        let sql = """
            INSERT INTO blob_generations(blob, generation) SELECT ?1, ?2 WHERE ?2 <> \(GenerationSQL.current)
            ON CONFLICT(blob) DO UPDATE SET generation = excluded.generation
            """
        try nodes.run(sql, [row, generation])
        if database.changesCount > 0 {
            guard try reading.keyGenerations().valid.contains(generation) else { throw Self.keyIsGone }
        } else if isKnown {
            try nodes.run("DELETE FROM blob_generations WHERE blob = ?", [row])
        }
    }

    private static let keyIsGone = OsnovaError(
        .busy, "the store got another key meanwhile (osnovafs rekey): do it again, unlocked by the new phrase")
}

extension Catalog {
    /// Runs a transaction that leaves nothing in the database's pages of what it removes; the WAL keeps it for a while.
    public func writeErasing(_ body: (Writing) throws -> Void) throws {
        try maintain { try $0.execute(sql: "PRAGMA secure_delete = ON") }
        try write(body)
    }
}
