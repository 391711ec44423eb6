public import Primitives

/// The keys that sealing needs, each in guarded memory.
public struct SealingKeys: Sendable {
    /// Encrypts and authenticates whole files (the seed's `blob_encryption_key`).
    let blob: SecretBytes
    /// Keys the polynomial half of every chunk tag.
    let chunkHash: SecretBytes
    /// The root of the pads of every chunk tag.
    let chunkPad: SecretBytes
    /// The key's number among those that its store has had: what is sealed or verified carries it.
    public let generation: Int64

    /// Derives the two halves of the chunk tags' key.
    ///
    /// - Parameters:
    ///   - blobKey: 32 bytes.
    ///   - tagKey: 32 bytes, independent of `blobKey`.
    ///   - generation: 0 for the first key of a store.
    public init(blobKey: SecretBytes, tagKey: SecretBytes, generation: Int64 = 0) throws {
        self.generation = generation
        blob = blobKey
        chunkHash = try HKDF.derive(from: tagKey, info: Array("chunk-hash".utf8))
        chunkPad = try HKDF.derive(from: tagKey, info: Array("chunk-pad".utf8))
    }
}
