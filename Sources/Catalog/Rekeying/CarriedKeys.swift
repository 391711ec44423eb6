internal import Foundation
internal import GRDB

/// Secret halves of component keys that the store's key of now does not make; the catalog sees them sealed.
extension Reading {
    /// The sealed secret of a key of a component; nil where none is kept for a key of the store.
    public func carriedKey(of componentID: String, index: Int64, generation: Int64) throws -> [UInt8]? {
        let sql = "SELECT secret FROM carried_keys WHERE component_id = ? AND derivation_index = ? AND generation = ?"
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [componentID, index, generation])
            .flatMap { $0.bytes("secret").map(Array.init) }
    }
}

extension Writing {
    /// Keeps a sealed secret.
    public func saveCarriedKey(of componentID: String, index: Int64, generation: Int64, secret: [UInt8]) throws {
        let sql = "INSERT OR REPLACE INTO carried_keys VALUES (?, ?, ?, ?)"
        try database.cachedStatement(sql: sql).execute(arguments: [componentID, index, generation, Data(secret)])
    }
}
