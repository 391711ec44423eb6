import CSodium
import Foundation
import Primitives
import TestSupport

@testable import Sealing

/// Compressed streams, and sealed files of them.
enum Streams {
    /// The stream that this program makes of a content.
    static func ours(_ content: Data) throws -> Data {
        let compressor = try SeekableCompressor()
        var output = [UInt8](repeating: 0, count: SeekableCompressor.bound(content.count))
        let count = try content.withUnsafeBytes { input in
            try output.withUnsafeMutableBytes { try compressor.compress(input, into: $0) }
        }
        return Data(output.prefix(count)) + compressor.table()
    }

    /// A stream of given frames and the lengths that its table claims.
    static func of(_ frames: [Data], lengths: [Int], checksums: Bool = false, descriptor: UInt8? = nil) -> Data {
        func word(_ value: Int) -> Data {
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian) { Data($0) }
        }
        var entries = Data()
        for (frame, length) in zip(frames, lengths) {
            entries += word(frame.count) + word(length) + (checksums ? word(0x1234_5678) : Data())
        }
        var stream = frames.reduce(Data(), +)
        stream += word(0x184D_2A5E)
        stream += word(entries.count + 9)
        stream += entries
        stream += word(frames.count)
        stream.append(descriptor ?? (checksums ? 0x80 : 0))
        return stream + word(0x8F92_EAB1)
    }

    /// Frames that the `zstd` program makes, one of each part of a content.
    static func frames(_ content: Data, size: Int, options: String) throws -> [Data] {
        try stride(from: 0, to: content.count, by: size).map {
            try run("zstd -q -c \(options)", Data(content.dropFirst($0).prefix(size)))
        }
    }

    /// Runs a shell command from bytes to bytes.
    static func run(_ command: String, _ input: Data) throws -> Data {
        let folder = try TemporaryFolder()
        try folder.write("in", input)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", "\(command) <in >out"]
        process.currentDirectoryURL = folder.url
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw OsnovaError(.inputOutput, "\(command) failed") }
        return try Data(contentsOf: folder.url.appending(path: "out"))
    }

    /// Seals a stream as that of a content.
    static func seal(_ stream: Data, of content: Data, keys: SealingKeys, length: Int64? = nil) throws -> Sealed.Outcome
    {
        let sealer = try BlobSealer(keys: keys)
        var output = [UInt8](repeating: 0, count: stream.count)
        try stream.withUnsafeBytes { input in
            try output.withUnsafeMutableBytes { try sealer.seal(input, into: $0) }
        }
        let sealed = try sealer.finish(id: Sealed.digest(content), compressed: length ?? Int64(content.count))
        return Sealed.Outcome(
            file: Data(sealer.header) + output + sealed.trailer, blob: sealed.blob, tags: sealed.tags)
    }

    /// Opens a sealed file with libsodium, which knows nothing of this project.
    static func unseal(_ file: Data, seed: UInt64 = 1) throws -> Data {
        var plain = [UInt8](repeating: 0, count: max(0, file.count - 28))
        let bytes = [UInt8](file)
        let code = try Sealed.secret(seed).withUnsafeBytes { key in
            crypto_aead_chacha20poly1305_ietf_decrypt(
                &plain, nil, nil, Array(bytes[12...]), UInt64(bytes.count - 12), nil, 0, Array(bytes[..<12]), Array(key)
            )
        }
        guard code == 0 else { throw OsnovaError.damaged("libsodium refuses it") }
        return Data(plain)
    }

    /// A seek table as it is read from memory.
    static func table(_ stream: Data) throws -> SeekTable? {
        let bytes = [UInt8](stream)
        return try bytes.withUnsafeBytes { memory in
            try SeekTable(streamLength: Int64(memory.count)) { offset, count in
                let start = min(max(0, Int(offset)), memory.count)
                return UnsafeRawBufferPointer(rebasing: memory[start..<min(start + count, memory.count)])
            }
        }
    }
}
