internal import Glibc
internal import SystemPackage

/// Paths without links, of what is there and of what is not yet.
enum RealPath {
    /// The path with every link followed, as far as it exists; what follows that is kept as it is.
    static func resolve(_ path: String) -> String {
        var existing = FilePath(path).lexicallyNormalized()
        var rest: [FilePath.Component] = []
        while true {
            if let real = existing.withPlatformString({ realpath($0, nil) }) {
                defer { free(real) }
                return FilePath(platformString: real).appending(rest.reversed()).string
            }
            guard let last = existing.lastComponent else { return path }
            rest.append(last)
            existing.removeLastComponent()
        }
    }

    /// Whether a path is a directory or lies in it, whatever links lead there.
    static func lies(_ path: String, in directory: String) -> Bool {
        FilePath(resolve(path)).starts(with: FilePath(resolve(directory)))
    }
}
