internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// A file of the data root's disk that goes with its last user: its name is removed as soon as it is not needed.
///
/// It lies beside what it is made of because a copy of the database may be large, and is as private; in `$TMPDIR` where that
/// disk is read-only or full. A process that dies in the moment in which the file has its name leaves it behind, unlocked;
/// the next mount removes it from the data root.
struct UnnamedFile {
    private static let prefix = ".view-"

    let file: OwnedDescriptor
    let path: String

    private init(in directory: String) throws {
        var token = UInt64(0)
        try withUnsafeMutableBytes(of: &token) { try Sodium.randomize($0) }
        path = "\(directory)/\(Self.prefix)\(Hexadecimal.string(withUnsafeBytes(of: token) { Array($0) }))"
        do {
            file = try SystemCalls.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        } catch {
            throw error.failure("creating a file in \(directory)", kind: .cannotCreate)
        }
        _ = try? SystemCalls.tryLock(file)
    }

    /// What `body` makes of a new file beside the database; where that fails, of one in `$TMPDIR`.
    static func fill<Result>(in root: DataRoot, _ body: (UnnamedFile) throws -> Result) throws -> Result {
        do {
            return try fill(in: root.path, body)
        } catch {
            guard let result = try? fill(in: FileManager.default.temporaryDirectory.path, body) else { throw error }
            return result
        }
    }

    private static func fill<Result>(in directory: String, _ body: (UnnamedFile) throws -> Result) throws -> Result {
        let file = try UnnamedFile(in: directory)
        defer { file.removeName() }
        return try body(file)
    }

    /// Removes the name; the file lives on while it is open.
    func removeName() { unlink(path) }

    /// Removes what dead processes left.
    static func removeStale(in root: DataRoot) {
        guard let directory = try? SystemCalls.open(root.path, O_RDONLY | O_DIRECTORY),
            let beneath = try? BeneathDirectory(path: root.path)
        else { return }
        // Whatever fails here is no harm: the next mount tries again.
        try? beneath.scan { name in
            guard name.starts(with: prefix.utf8) else { return true }
            let name = String(decoding: name, as: UTF8.self)
            guard let file = try? SystemCalls.open(at: directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else {
                return true
            }
            withExtendedLifetime(file) {
                if (try? SystemCalls.tryLock(file)) == true { try? SystemCalls.remove(at: directory, name) }
            }
            return true
        }
    }
}

/// Writes many small pieces to a file and digests them on the way.
final class DigestingWriter {
    private let file: OwnedDescriptor
    private let digest: SHA256
    private var pending: [UInt8] = []
    private(set) var size: Int64 = 0

    init(to file: OwnedDescriptor) throws {
        self.file = file
        digest = try SHA256()
    }

    func write(_ bytes: [UInt8]) throws {
        pending += bytes
        if pending.count >= 1 << 16 { try flush() }
    }

    func finish() throws -> ContentID {
        try flush()
        return try digest.finish()
    }

    private func flush() throws {
        do {
            try pending.withUnsafeBytes {
                digest.update($0)
                try SystemCalls.write(file, $0)
            }
        } catch let error as Errno {
            throw error.failure("writing a generated file", kind: .inputOutput)
        }
        size &+= Int64(pending.count)
        pending.removeAll(keepingCapacity: true)
    }
}
