internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// The directory of a backup, locked as long as this lives: one program at a time works on it.
final class BackupPlace {
    let path: String
    private let lock: OwnedDescriptor

    private struct Marker: Codable {
        let format: Int
        let keyFingerprint: String?
    }

    /// Opens a backup that is there.
    ///
    /// - Throws: `notFound` for what is no backup, `damaged` for one of a newer version, `busy`.
    init(opening path: String) throws {
        self.path = path
        guard access("\(path)/\(BackupLayout.marker)", F_OK) == 0 else {
            throw OsnovaError(.notFound, "\(path) is no backup: make one with 'osnovafs backup \(path)'")
        }
        lock = try Self.lock(path)
        _ = try marker()
    }

    /// Opens a backup of a store, or makes one in a directory that is empty or not there.
    ///
    /// - Throws: `denied` for another store's backup, `cannotCreate` for a directory that holds something else, `busy`.
    init(making path: String, keyFingerprint: String?) throws {
        self.path = path
        try BackupFiles.makeDirectory(path)
        lock = try Self.lock(path)
        if access("\(path)/\(BackupLayout.marker)", F_OK) == 0 {
            let known = try marker().keyFingerprint
            guard known == nil || keyFingerprint == nil || known == keyFingerprint else {
                throw OsnovaError(
                    .denied,
                    "\(path) is the backup of another store, or of this one before a rekey: name another directory")
            }
        } else {
            let names = try BackupFiles.names(in: path).filter { $0 != "lost+found" }
            guard names.allSatisfy(BackupLayout.directories.contains) else {
                throw OsnovaError(.cannotCreate, "\(path) holds something that is no backup: name an empty directory")
            }
        }
        for name in BackupLayout.directories { try BackupFiles.makeDirectory("\(path)/\(name)") }
        try writeMarker(keyFingerprint)
    }

    private func writeMarker(_ fingerprint: String?) throws {
        if access("\(path)/\(BackupLayout.marker)", F_OK) == 0, try marker().keyFingerprint != nil || fingerprint == nil
        {
            return
        }
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let bytes = try encoder.encode(Marker(format: BackupLayout.format, keyFingerprint: fingerprint))
        try BackupFiles.write(BackupLayout.marker, in: path) { append in
            try Array(bytes).withUnsafeBytes { try append($0) }
        }
    }

    private func marker() throws -> Marker {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let file = "\(path)/\(BackupLayout.marker)"
        guard let marker = try? decoder.decode(Marker.self, from: Data(try BackupFiles.read(file))) else {
            throw OsnovaError.damaged("\(file) is damaged: this is no backup, or one that cannot be told whose it is")
        }
        guard marker.format <= BackupLayout.format else {
            throw OsnovaError.damaged("\(path) has version \(marker.format): use a newer osnovafs")
        }
        return marker
    }

    private static func lock(_ path: String) throws -> OwnedDescriptor {
        do {
            let directory = try SystemCalls.open(path, O_RDONLY | O_DIRECTORY)
            guard SystemCalls.tryLock(directory) else {
                throw OsnovaError(.busy, "another program works on the backup \(path): try again")
            }
            return directory
        } catch let error as Errno {
            throw error.failure("opening the backup \(path)")
        }
    }

    /// Removes what a killed run left half written; sealed files are looked after by `BackupBlobs`.
    func removeTemporaries() throws {
        let folders = [BackupLayout.databases, BackupLayout.files, BackupLayout.checksums, BackupLayout.generations]
        for folder in [path] + folders.map({ "\(path)/\($0)" }) {
            for name in try FileManager.default.contentsOfDirectory(atPath: folder)
            where name.hasPrefix(BackupFiles.temporaryPrefix) || name.hasSuffix(BackupFiles.unnamedSuffix) {
                try BackupFiles.remove(name, in: folder)
            }
        }
    }

    // MARK: Generations

    /// The manifests of all generations, the oldest first.
    ///
    /// - Throws: `damaged` for a manifest that is cut or changed.
    func manifests() throws -> [BackupManifest] {
        let folder = "\(path)/\(BackupLayout.generations)"
        return try BackupFiles.names(in: folder).filter { $0.hasSuffix(".json") }
            .map { try BackupManifest(file: BackupFiles.read("\(folder)/\($0)"), path: "\(folder)/\($0)") }
            .sorted { $0.sequence < $1.sequence }
    }

    /// The manifest of one generation; of the newest one without a name.
    func manifest(_ generation: String?) throws -> BackupManifest {
        let all = try manifests()
        guard let found = generation.map({ name in all.last { $0.generation == name } }) ?? all.last else {
            throw OsnovaError(.notFound, "the backup \(path) has no generation \(generation ?? "at all")")
        }
        return found
    }

    /// Writes a manifest: with it, and not before, the generation is there.
    func write(_ manifest: BackupManifest) throws {
        let bytes = try manifest.encoded()
        try BackupFiles.write("\(manifest.generation).json", in: "\(path)/\(BackupLayout.generations)") { append in
            try bytes.withUnsafeBytes { try append($0) }
        }
    }
}
