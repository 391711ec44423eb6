internal import Glibc
internal import Primitives
internal import SystemPackage

/// Directories of the host, with names as bytes.
enum DirectoryListing {
    /// The names in a directory, sorted by their bytes, so that the same tree is put in the same order.
    static func names(in path: FilePath) throws -> [[UInt8]] {
        guard let stream = path.withPlatformString({ opendir($0) }) else {
            throw Errno(rawValue: errno).failure("listing \(path.string)")
        }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw Errno(rawValue: errno).failure("listing \(path.string)") }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// The path of a name in a directory; nil for what is no name.
    static func path(of name: [UInt8], in directory: FilePath) -> FilePath? {
        (name + [0]).withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                characters.baseAddress.flatMap { FilePath.Component(platformString: $0) }.map(directory.appending)
            }
        }
    }

    /// Where a symbolic link points.
    static func target(of path: FilePath) throws -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = path.withPlatformString { readlink($0, &buffer, buffer.count) }
        guard count >= 0 else { throw Errno(rawValue: errno).failure("reading the link \(path.string)") }
        return buffer.prefix(count).map { UInt8(bitPattern: $0) }
    }
}
