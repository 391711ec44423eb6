import Primitives

/// The bytes of a hexadecimal text; spaces are for eyes.
func bytes(_ hex: String) -> [UInt8] {
    Hexadecimal.bytes(hex.lowercased().utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }) ?? []
}

func secret(_ bytes: [UInt8]) throws -> SecretBytes {
    try bytes.withUnsafeBytes { try SecretBytes(copying: $0) }
}

func open(_ secret: SecretBytes) -> [UInt8] {
    secret.withUnsafeBytes { Array($0) }
}
