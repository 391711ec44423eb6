public import Primitives

/// The bytes of a vault, version 1: see docs/keys.md. Numbers are big-endian.
extension KeyVault {
    static let magic = Array("osnovaKV".utf8)
    static let version: UInt8 = 1

    /// The vault as bytes in guarded memory.
    ///
    /// - Throws: `usage` for a name that is too long for the format.
    public func encoded() throws -> SecretBytes {
        let size = keys.reduce(64 + user.utf8.count) {
            $0 + 64 + $1.componentID.utf8.count + $1.publicKey.count + $1.secret.count
        }
        let scratch = try SecretScratch(count: size)
        var writer = VaultWriter(memory: scratch.bytes)
        return try withExtendedLifetime(scratch) {
            try write(to: &writer)
            return try SecretBytes(copying: writer.written)
        }
    }

    private func write(to writer: inout VaultWriter) throws {
        writer.append(Self.magic)
        writer.append(Self.version)
        try writer.appendCounted(Array(user.utf8))
        writer.append(createdAt)
        master.withUnsafeBytes { writer.append($0) }
        guard let count = UInt32(exactly: keys.count) else { throw OsnovaError(.usage, "the vault has too many keys") }
        writer.append(count)
        for key in keys {
            try writer.appendCounted(Array(key.componentID.utf8))
            writer.append(key.index)
            writer.append(key.type.code)
            writer.append(key.createdAt)
            try writer.appendCounted(key.publicKey)
            key.secret.withUnsafeBytes { writer.append($0) }
        }
    }

    /// Reads a vault.
    ///
    /// - Throws: `damaged` for bytes that are none, that end early or late, or that a newer program wrote.
    public init(decoding bytes: SecretBytes) throws {
        self = try bytes.withUnsafeBytes { memory in
            var reader = VaultReader(memory: memory)
            guard try reader.bytes(Self.magic.count) == Self.magic else { throw Self.malformed("it begins as another") }
            let version: UInt8 = try reader.number()
            guard version == Self.version else {
                throw Self.malformed("its version is \(version), this program knows \(Self.version)")
            }
            let vault = KeyVault(
                user: try reader.text(), createdAt: try reader.number(), master: try reader.secret(),
                keys: try Self.keys(from: &reader))
            guard reader.isAtEnd else { throw Self.malformed("it goes on after its end") }
            return vault
        }
    }

    private static func keys(from reader: inout VaultReader) throws -> [DerivedKey] {
        let count: UInt32 = try reader.number()
        // The count is not believed: each key must be there.
        return try (0..<count).reduce(into: []) { keys, _ in
            let componentID = try reader.text()
            let index: UInt64 = try reader.number()
            let code: UInt8 = try reader.number()
            guard let type = KeyType(code: code) else { throw malformed("it has a key of the unknown type \(code)") }
            keys.append(
                DerivedKey(
                    componentID: componentID, index: index, type: type, createdAt: try reader.number(),
                    publicKey: try reader.counted(), secret: try reader.secret()))
        }
    }

    static func malformed(_ reason: String) -> OsnovaError {
        .damaged("the container opens, but holds no keys of this program: \(reason)")
    }
}

/// Writes a vault's fields one after the other into memory that is large enough.
private struct VaultWriter {
    let memory: UnsafeMutableRawBufferPointer
    private var end = 0

    init(memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<end]) }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: memory[end..<end + bytes.count]).copyMemory(from: bytes)
        end += bytes.count
    }

    mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { append($0) }
    }

    mutating func appendCounted(_ bytes: [UInt8]) throws {
        guard let count = UInt16(exactly: bytes.count) else {
            throw OsnovaError(.usage, "a name of \(bytes.count) bytes is too long: at most 65535 fit into keys.cocoon")
        }
        append(count)
        append(bytes)
    }
}

/// Reads a vault's fields one after the other; each only if it is there.
private struct VaultReader {
    let memory: UnsafeRawBufferPointer
    private var offset = 0

    init(memory: UnsafeRawBufferPointer) {
        self.memory = memory
    }

    var isAtEnd: Bool { offset == memory.count }

    mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count <= memory.count - offset else { throw KeyVault.malformed("it ends within a field") }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: memory[offset..<offset + count])
    }

    mutating func number<Number: FixedWidthInteger>() throws -> Number {
        Number(bigEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    mutating func bytes(_ count: Int) throws -> [UInt8] {
        Array(try take(count))
    }

    mutating func counted() throws -> [UInt8] {
        let count: UInt16 = try number()
        return try bytes(Int(count))
    }

    mutating func text() throws -> String {
        guard let text = String(validating: try counted(), as: UTF8.self) else {
            throw KeyVault.malformed("a name in it is not UTF-8")
        }
        return text
    }

    mutating func secret() throws -> SecretBytes {
        try SecretBytes(copying: take(KeyHierarchy.keySize))
    }
}
