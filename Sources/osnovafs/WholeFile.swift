internal import Glibc
internal import Primitives
internal import SystemPackage

/// Writes a file that is complete or not there at all; one that exists is replaced.
enum WholeFile {
    static func write(
        _ path: FilePath, permissions: FilePermissions, _ body: (OwnedDescriptor) throws -> Void
    ) throws {
        let temporary = FilePath("\(path.string).osnovafs-\(getpid())")
        do {
            let file = OwnedDescriptor(
                try FileDescriptor.open(
                    temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: permissions)
            )
            try body(file)
            try SystemCalls.synchronize(file)
            guard rename(temporary.string, path.string) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            unlink(temporary.string)
            guard let error = error as? Errno else { throw error }
            throw error.failure("writing \(path.string)", kind: .cannotCreate)
        }
    }
}
