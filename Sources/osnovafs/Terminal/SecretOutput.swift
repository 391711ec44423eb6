internal import Foundation
internal import Glibc
internal import Primitives

/// Writes a secret that a person asked for, without a copy of it in ordinary memory.
enum SecretOutput {
    /// Writes a secret in hexadecimal: a line of its own, or in its place in a document.
    static func say(_ secret: SecretBytes, json document: KeyDocument?) throws {
        let digits = Array("0123456789abcdef".utf8)
        let hexadecimal = try SecretBytes(count: secret.count * 2) { out in
            secret.withUnsafeBytes { bytes in
                for (index, byte) in bytes.enumerated() {
                    out[index * 2] = digits[Int(byte >> 4)]
                    out[index * 2 + 1] = digits[Int(byte & 15)]
                }
            }
        }
        guard var document else {
            write(hexadecimal)
            return Terminal.write([UInt8(ascii: "\n")], to: STDOUT_FILENO)
        }
        let place = UUID().uuidString
        document.secretKey = place
        let text = String(decoding: try Terminal.json(document), as: UTF8.self)
        let parts = text.components(separatedBy: place)
        Terminal.write(Array(parts[0].utf8), to: STDOUT_FILENO)
        write(hexadecimal)
        Terminal.say(parts.dropFirst().joined())
    }

    private static func write(_ secret: SecretBytes) {
        secret.withUnsafeBytes { Terminal.write($0, to: STDOUT_FILENO) }
    }
}
