internal import Primitives
internal import SystemPackage

/// Reads the regular files of a tar archive from a stream, in constant memory: what this program writes, and what other
/// programs make of an unpacked backup.
///
/// Used by one thread at a time.
final class TarReader {
    /// A path in a header is never longer; nothing that a header says is allocated before it was compared with this.
    private static let longestText: Int64 = 64 << 10

    private let input: OwnedDescriptor
    private let buffer = ScratchBuffer(count: 1 << 20)

    init(from input: OwnedDescriptor) {
        self.input = input
    }

    /// Calls `visit` for each file, which must take all of its content.
    ///
    /// - Throws: `damaged` for what is no archive or ends too early.
    func forEachFile(
        _ visit: (_ path: String, _ content: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws -> Void
    ) throws {
        var path: String?
        var size: Int64?
        while let header = try nextHeader() {
            switch header.kind {
            case .extended:
                for (key, value) in try records(text(header.size)) {
                    if key == "path" { path = value }
                    if key == "size" { size = Int64(value) }
                }
            case .longPath: path = TarHeader.text(try text(header.size)[...])
            case .file:
                let count = size ?? header.size
                guard count >= 0 else { throw Self.malformed }
                try visit(path ?? header.path) { take in try content(count, take) }
                (path, size) = (nil, nil)
            case .directory, .global, .other:
                try content(size ?? header.size) { _ in }
                (path, size) = (nil, nil)
            }
        }
        try drain()
    }

    private static let malformed = OsnovaError.damaged("this is no tar stream of a backup, or a damaged one")
    private static let cut = OsnovaError.damaged("the stream ends too early: the backup in it is not whole")

    /// Nil at the end of the archive.
    private func nextHeader() throws -> TarHeader? {
        let block = try bytes(TarHeader.blockSize)
        guard block.contains(where: { $0 != 0 }) else { return nil }
        guard let header = TarHeader(block), header.size >= 0 else { throw Self.malformed }
        return header
    }

    /// A member's content, with what fills its last block.
    private func content(_ size: Int64, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        var rest = size
        while rest > 0 {
            let wanted = Int(min(rest, Int64(buffer.bytes.count)))
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes.prefix(wanted))
            guard try read(piece) == wanted else { throw Self.cut }
            try take(UnsafeRawBufferPointer(piece))
            rest -= Int64(wanted)
        }
        let over = Int(size % Int64(TarHeader.blockSize))
        if over > 0 { _ = try bytes(TarHeader.blockSize - over) }
    }

    private func text(_ size: Int64) throws -> [UInt8] {
        guard size <= Self.longestText else { throw Self.malformed }
        var text: [UInt8] = []
        try content(size) { text += $0 }
        return text
    }

    private func records(_ bytes: [UInt8]) throws -> [(String, String)] {
        var found: [(String, String)] = []
        var rest = bytes[...]
        while let space = rest.firstIndex(of: UInt8(ascii: " ")) {
            guard let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1,
                length <= rest.count
            else { throw Self.malformed }
            let record = rest[(space + 1)..<(rest.startIndex + length)]
            guard record.last == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw Self.malformed
            }
            let value = record[(equals + 1)...].dropLast()
            found.append((String(decoding: record[..<equals], as: UTF8.self), String(decoding: value, as: UTF8.self)))
            rest = rest.dropFirst(length)
        }
        return found
    }

    private func bytes(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard try bytes.withUnsafeMutableBytes({ try read($0) }) == count else { throw Self.cut }
        return bytes
    }

    /// Whoever writes the stream must not be cut off in the blocks that fill it up.
    private func drain() throws {
        while try read(buffer.bytes) == buffer.bytes.count {}
    }

    private func read(_ bytes: UnsafeMutableRawBufferPointer) throws -> Int {
        do {
            return try SystemCalls.readStream(input, into: bytes)
        } catch {
            throw error.failure("reading the stream", kind: .inputOutput)
        }
    }
}
