import Foundation
import Primitives
import Sealing
import SystemPackage
import TestSupport

/// What the tests of this room need again and again.
enum Sealed {
    static func keys(seed: UInt64 = 1) throws -> SealingKeys {
        try SealingKeys(blobKey: secret(seed), tagKey: secret(seed + 100))
    }

    static func secret(_ seed: UInt64) throws -> SecretBytes {
        try noise(32, seed: seed).withUnsafeBytes { try SecretBytes(copying: $0) }
    }

    static func digest(_ content: Data) throws -> ContentID {
        try content.withUnsafeBytes { try SHA256.digest($0) }
    }

    /// A content that was sealed: the file's bytes, what they are, and their chunk tags.
    struct Outcome {
        var file: Data
        let blob: SealedBlob
        let tags: [UInt8]
    }

    /// Seals a content, handed over in pieces of so many chunks.
    static func seal(
        _ content: Data, keys: SealingKeys, nonce: Nonce? = nil, chunksAtOnce: Int = 1
    ) throws -> Outcome {
        let sealer = try nonce.map { try BlobSealer(keys: keys, nonce: $0) } ?? BlobSealer(keys: keys)
        var file = Data(sealer.header)
        let step = chunksAtOnce * Int(SealedLayout.chunkSize)
        for start in stride(from: 0, to: content.count, by: step) {
            let piece = Array(content[start..<min(start + step, content.count)])
            var output = [UInt8](repeating: 0, count: piece.count)
            try piece.withUnsafeBytes { input in
                try output.withUnsafeMutableBytes { try sealer.seal(input, into: $0) }
            }
            file += output
        }
        let sealed = try sealer.finish(id: digest(content))
        return Outcome(file: file + sealed.trailer, blob: sealed.blob, tags: sealed.tags)
    }
}

/// One reader over one file on disk, as the driver has it.
struct Reading {
    let reader: BlobReader
    let folder: TemporaryFolder
    let file: OwnedDescriptor

    init(_ content: Data, keys: SealingKeys) throws {
        reader = try BlobReader(keys: keys)
        folder = try TemporaryFolder()
        file = try SystemCalls.open(try folder.write("sealed", content), 0)
    }

    /// A copy of what the reader gives out.
    func read(_ blob: SealedBlob, tags: [UInt8], at offset: Int64, count: Int) throws -> Data {
        let bytes = try reader.read(blob, file: file, at: offset, count: count) { chunks, memory in
            let start = chunks.lowerBound * Tag.byteCount
            memory.copyBytes(from: tags[start..<start + memory.count])
        }
        return Data(bytes)
    }

    func audit(_ id: ContentID, keys: SealingKeys) throws -> BlobAudit.Finding {
        try BlobAudit(keys: keys).verify(file: file, id: id)
    }
}

/// Whether a call is refused as damage, the only answer that a wrong byte may have.
func isDamaged(_ call: () throws -> Void) -> Bool {
    do {
        try call()
        return false
    } catch {
        return (error as? OsnovaError)?.kind == .damaged
    }
}
