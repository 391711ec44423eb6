internal import Primitives
internal import SystemPackage

/// Paths in a manifest: bytes on Linux, printable ASCII there; what is not is `%XX`.
enum PrintablePath {
    static func encode(_ bytes: [UInt8]) -> String {
        let text = bytes.flatMap { byte -> [UInt8] in
            let isPlain = (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "%")
            return isPlain ? [byte] : [UInt8(ascii: "%")] + Array(Hexadecimal.string([byte]).utf8)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes; nil for what `encode` does not make, and for what holds a NUL.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                return nil
            }
            rest = rest.dropFirst(2)
            bytes.append(value)
        }
        return bytes.contains(0) ? nil : bytes
    }

    /// A relative path of a manifest below a directory; nil for one that leads out of it.
    static func path(_ text: String, below directory: String) -> FilePath? {
        guard let bytes = decode(text), !bytes.isEmpty else { return nil }
        let path = filePath(bytes)
        guard path.isRelative, path.components.allSatisfy({ $0.kind == .regular }) else { return nil }
        return FilePath(directory).pushing(path)
    }

    static func filePath(_ bytes: [UInt8]) -> FilePath {
        (bytes + [0]).withUnsafeBytes { buffer in
            buffer.bindMemory(to: CChar.self).baseAddress.map { FilePath(platformString: $0) } ?? FilePath()
        }
    }
}
