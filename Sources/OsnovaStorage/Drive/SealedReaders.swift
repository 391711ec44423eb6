internal import Sealing

/// One thread's readers of sealed files: one, and another where the store has seen a rekey.
final class SealedReaders {
    private let store: Store
    private let tables: SeekTableCache
    private var latest: (generation: Int64, reader: BlobReader)
    private var other: (generation: Int64, reader: BlobReader)?

    /// - Parameter tables: what the threads share.
    init(store: Store, tables: SeekTableCache) throws {
        self.store = store
        self.tables = tables
        let keys = try store.keys()
        latest = (keys.generation, try BlobReader(keys: keys, tables: tables))
    }

    /// The reader for what is sealed under the key of a number.
    ///
    /// - Throws: `denied` for a key that cannot be had here.
    func reader(for generation: Int64) throws -> BlobReader {
        if generation == latest.generation { return latest.reader }
        if let other, other.generation == generation { return other.reader }
        let made = (generation, try BlobReader(keys: store.keys(of: generation), tables: tables))
        // A higher number is of a newer key, which all contents come to have.
        if generation > latest.generation {
            (other, latest) = (latest, made)
        } else {
            other = made
        }
        return made.1
    }
}
