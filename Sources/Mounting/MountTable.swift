internal import Glibc
internal import Primitives
internal import SystemPackage

/// One line of `/proc/self/mountinfo`.
struct MountedFilesystem: Equatable {
    /// The type under which this driver's mounts are listed.
    static let ownType = "fuse.osnovafs"

    /// `major:minor` of the device.
    let device: String
    /// The absolute path of the mount point.
    let path: String
    /// The type, for example `fuse.osnovafs`.
    let type: String

    var isOwn: Bool { type == Self.ownType }
}

/// What is mounted where, as this process sees it.
enum MountTable {
    private static let path = "/proc/self/mountinfo"

    /// The uppermost filesystem on exactly this path; nil where nothing is mounted.
    ///
    /// Reads a file of the kernel's, so it never waits for a mount that does not answer.
    static func filesystem(at path: String) throws -> MountedFilesystem? {
        // Byte for byte: two texts that are equal to Unicode are two paths to Linux.
        try read().last { $0.path.utf8.elementsEqual(path.utf8) }
    }

    static func read() throws -> [MountedFilesystem] {
        do {
            let file = try SystemCalls.open(path, O_RDONLY)
            return parse(try content(of: file))
        } catch {
            throw error.failure("reading \(path)")
        }
    }

    private static func content(of file: OwnedDescriptor) throws(Errno) -> [UInt8] {
        var content: [UInt8] = []
        let piece = ScratchBuffer(count: 1 << 16)
        while true {
            let count = try SystemCalls.readStream(file, into: piece.bytes)
            content += piece.bytes.prefix(count)
            if count < piece.bytes.count { return content }
        }
    }

    /// The mounts of a table: `36 35 98:0 /root /mount/point options optional… - type source superoptions`.
    static func parse(_ table: [UInt8]) -> [MountedFilesystem] {
        table.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let fields = line.split(separator: UInt8(ascii: " "))
            guard let dash = fields.dropFirst(6).firstIndex(where: { $0.elementsEqual([UInt8(ascii: "-")]) }),
                dash + 1 < fields.endIndex
            else { return nil }
            return MountedFilesystem(
                device: String(decoding: fields[2], as: UTF8.self), path: unescape(fields[4]),
                type: unescape(fields[dash + 1]))
        }
    }

    /// A field with its `\040` escapes resolved.
    private static func unescape(_ field: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
