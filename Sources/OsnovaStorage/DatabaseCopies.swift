internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// Copies of a data root's databases, for one whose disk is read-only: mounted for a rescue, a snapshot of a disk, a volume
/// of a container.
///
/// SQLite reads a database beside its WAL, and needs files of its own there, also to read what a crash left in that. So
/// they are read elsewhere, as they were when the store was opened. What they hold of keys is sealed.
final class DatabaseCopies: Sendable {
    private let folder: LockedFolder

    /// Copies that differ because somebody writes in between: a disk may be read-only here and not there.
    private static let tries = 10
    private static let suffixes = ["", "-wal", "-journal"]

    /// Where they lie.
    var path: String { folder.path }

    /// Copies what is there.
    ///
    /// - Throws: `busy` where somebody keeps changing it, `inputOutput` where a disk fails or is full.
    init(of root: DataRoot) throws {
        folder = try LockedFolder.scratch()
        try copy(root.database)
        // Both are begun anew where they are missing, as where a disk that fails has lost them.
        for book in [root.numbers, root.upkeep] {
            do { try copy(book) } catch { removeCopies(of: book) }
        }
    }

    private func copy(_ database: String) throws {
        // Of a link, SQLite has its own files beside what that leads to; and a copy of it would be a link.
        let real = RealPath.resolve(database)
        for _ in 0..<Self.tries {
            let before = try Self.look(at: real)
            removeCopies(of: database)
            let outcome = Result {
                for (suffix, status) in zip(Self.suffixes, before) where status != nil {
                    try copyFile(real + suffix, to: target(of: database + suffix))
                }
            }
            if try Self.look(at: real) == before { return try outcome.get() }
        }
        throw OsnovaError(
            .busy, "\(database) lies on a disk that is read-only here, and somebody writes to it: try again")
    }

    private func removeCopies(of database: String) {
        for suffix in Self.suffixes { unlink(target(of: database + suffix)) }
    }

    private func target(of source: String) -> String { "\(path)/\(FilePath(source).lastComponent?.string ?? "")" }

    private static func look(at database: String) throws -> [SystemCalls.Status?] {
        try suffixes.map { suffix -> SystemCalls.Status? in
            do throws(Errno) {
                return try SystemCalls.status(database + suffix, followingLinks: true)
            } catch .noSuchFileOrDirectory {
                return nil
            } catch {
                throw error.failure("looking at \(database + suffix)")
            }
        }
    }

    private func copyFile(_ source: String, to target: String) throws {
        do {
            try FileManager.default.copyItem(atPath: source, toPath: target)
            chmod(target, 0o600)
        } catch {
            throw OsnovaError(
                .inputOutput,
                "\(source) lies on a disk that is read-only and cannot be copied to \(path): "
                    + "\(error.localizedDescription); $TMPDIR may name a directory with more room")
        }
    }
}
