internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// The databases of a backup: whole ones, and generations that tell what differs from a whole one.
struct BackupDatabases {
    /// A difference that is larger than this part of the database is not worth having.
    private static let largestPart: Int64 = 4
    private static let temporary = BackupFiles.temporaryPrefix + "database"

    let folder: String

    init(backup: String) {
        folder = "\(backup)/\(BackupLayout.databases)"
    }

    /// A path for a copy that is in the making; what an earlier run left there is removed.
    func freshTemporary() throws -> String {
        for suffix in ["", "-journal", "-wal", "-shm"] { try BackupFiles.remove(Self.temporary + suffix, in: folder) }
        return "\(folder)/\(Self.temporary)"
    }

    /// Keeps a copy of a database, as its difference to an earlier whole one if that is small.
    ///
    /// - Returns: what the manifest says of it, and the bytes that were written.
    func keep(
        _ path: String, as generation: String, whole: BackupManifest.Part?
    ) throws -> (BackupManifest.Database, written: Int64) {
        let (sum, size) = try BackupFiles.sum(path)
        if let whole, let delta = try writeDelta(from: whole, to: path, size: size, as: "\(generation).delta") {
            try BackupFiles.remove(Self.temporary, in: folder)
            return (.init(whole: whole, delta: delta, size: size, sha256: sum.hex), delta.size)
        }
        let name = "\(generation).db"
        try BackupFiles.finish(Self.temporary, as: name, in: folder)
        let part = BackupManifest.Part(name: name, size: size, sha256: sum.hex)
        return (.init(whole: part, delta: nil, size: size, sha256: sum.hex), size)
    }

    private func writeDelta(
        from whole: BackupManifest.Part, to path: String, size: Int64, as name: String
    ) throws -> BackupManifest.Part? {
        // A whole database that is damaged is no ground to build on.
        guard let known = try? BackupFiles.sum("\(folder)/\(whole.name)"), known.sum.hex == whole.sha256 else {
            return nil
        }
        let old = try BackupFiles.open("\(folder)/\(whole.name)")
        let new = try BackupFiles.open(path)
        var written: Int64 = 0
        try DatabaseDelta.write(from: old, to: new, size: size) { written += Int64($0.count) }
        guard written <= size / Self.largestPart,
            DatabaseDelta.isPlausible(size: size, whole: known.size, delta: written)
        else { return nil }
        let digest = try SHA256()
        try BackupFiles.write(name, in: folder) { append in
            try DatabaseDelta.write(from: old, to: new, size: size) { piece in
                digest.update(piece)
                try append(piece)
            }
        }
        return BackupManifest.Part(name: name, size: written, sha256: try digest.finish().hex)
    }

    /// Makes a generation's database at a new path, checked.
    ///
    /// - Throws: `damaged` where a part or the result does not have its SHA-256.
    func restore(_ database: BackupManifest.Database, to path: String) throws {
        try check(database.whole)
        let source = try BackupFiles.open("\(folder)/\(database.whole.name)")
        do {
            let target = try SystemCalls.open(path, O_RDWR | O_CREAT | O_EXCL)
            try BackupFiles.forEachPiece(of: source, database.whole.name) { try SystemCalls.write(target, $0) }
            if let delta = database.delta {
                try check(delta)
                guard
                    DatabaseDelta.isPlausible(
                        size: database.size, whole: database.whole.size, delta: delta.size)
                else { throw OsnovaError.damaged("\(folder)/\(delta.name) is malformed: it makes a file too large") }
                try DatabaseDelta.apply(
                    BackupFiles.open("\(folder)/\(delta.name)"), to: target, size: database.size)
            }
            try SystemCalls.synchronize(target)
        } catch let error as Errno {
            throw error.failure("writing \(path)", kind: .inputOutput)
        }
        guard try BackupFiles.sum(path).sum.hex == database.sha256 else {
            throw OsnovaError.damaged("the database of the backup is damaged: it does not have its SHA-256")
        }
    }

    private func check(_ part: BackupManifest.Part) throws {
        let path = "\(folder)/\(part.name)"
        guard access(path, F_OK) == 0 else { throw OsnovaError.damaged("\(path) is missing from the backup") }
        let found = try part.name.contains("/") ? nil : BackupFiles.sum(path)
        guard let found, found.sum.hex == part.sha256, found.size == part.size else {
            throw OsnovaError.damaged("\(path) is damaged: it does not have its SHA-256")
        }
    }
}
