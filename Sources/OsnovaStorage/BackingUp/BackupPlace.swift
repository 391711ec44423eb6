internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// The directory of a backup, locked as long as this lives: one program at a time works on it.
final class BackupPlace {
    let path: String
    private let lock: OwnedDescriptor
    /// Seconds to wait for whoever holds the lock.
    private static let patience = 2.0

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
            if errno == EACCES { throw OsnovaError(.denied, "\(path) may not be entered: check its permissions") }
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
            try Self.refuseForeign(path)
        }
        for name in BackupLayout.directories { try BackupFiles.makeDirectory("\(path)/\(name)") }
        try writeMarker(keyFingerprint)
    }

    /// Directories of a backup without the mark of one are those of a first run that was cut off, if nothing is in them:
    /// the mark comes before any content.
    private static func refuseForeign(_ path: String) throws {
        let names = try BackupFiles.names(in: path).filter { $0 != "lost+found" }
        let isCutOff = try names.allSatisfy { name in
            try BackupLayout.directories.contains(name) && BackupFiles.names(in: "\(path)/\(name)").isEmpty
        }
        guard isCutOff else {
            throw OsnovaError(.cannotCreate, "\(path) holds something that is no backup: name an empty directory")
        }
    }

    private func writeMarker(_ fingerprint: String?) throws {
        if access("\(path)/\(BackupLayout.marker)", F_OK) == 0, try marker().keyFingerprint != nil || fingerprint == nil
        {
            return
        }
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let bytes = try encoder.encode(Marker(format: BackupLayout.format, keyFingerprint: fingerprint))
        try BackupFiles.write(
            Array(bytes), as: BackupLayout.marker, in: path, atMost: BackupLayout.largestMarker)
    }

    private func marker() throws -> Marker {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let file = "\(path)/\(BackupLayout.marker)"
        let bytes = try BackupFiles.read(file, atMost: BackupLayout.largestMarker)
        guard let marker = try? decoder.decode(Marker.self, from: Data(bytes)) else {
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
            // A program that ends just now, or a child that it is about to start, takes a moment to let go.
            guard try Patience.tries(forAtMost: patience, { try SystemCalls.tryLock(directory) }) else {
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
            for name in try BackupFiles.allNames(in: folder)
            where BackupLayout.isTemporary(name) {
                try BackupFiles.remove(name, in: folder)
            }
        }
    }

    // MARK: Generations

    /// All generations; one with a damaged manifest is told as such, and hinders none of the others.
    func generations() throws -> BackupManifests {
        let names = try BackupFiles.names(in: "\(path)/\(BackupLayout.generations)")
            .filter { BackupLayout.isOwn($0, in: BackupLayout.generations) }
        return try BackupManifests(names.map { String($0.dropLast(".json".count)) }, reading: read)
    }

    /// The manifest of one generation; of the newest one without a name.
    ///
    /// - Throws: `damaged` for a manifest that is, and without a name where nobody can tell whether a damaged one is the
    ///   newest; `notFound`.
    func manifest(_ generation: String?) throws -> BackupManifest {
        if let generation {
            guard let name = GenerationName(generation), access(manifestPath("\(name)"), F_OK) == 0 else {
                throw OsnovaError(.notFound, "the backup \(path) has no generation \(generation)")
            }
            return try read("\(name)")
        }
        guard let newest = try generations().newest() else {
            throw OsnovaError(.notFound, "the backup \(path) has no generation at all")
        }
        return newest
    }

    private func read(_ generation: String) throws -> BackupManifest {
        let path = manifestPath(generation)
        let bytes = try UnreadableFiles.areDamaged {
            try BackupFiles.read(path, atMost: BackupLayout.largestManifest)
        }
        return try BackupManifest(file: bytes, path: path, generation: generation)
    }

    private func manifestPath(_ generation: String) -> String {
        "\(path)/\(BackupLayout.generations)/\(generation).json"
    }

    /// Writes a manifest: with it, and not before, the generation is there.
    ///
    /// - Returns: its bytes.
    func write(_ manifest: BackupManifest) throws -> Int64 {
        let bytes = try manifest.encoded()
        try BackupFiles.write(
            bytes, as: "\(manifest.generation).json", in: "\(path)/\(BackupLayout.generations)",
            atMost: BackupLayout.largestManifest)
        return Int64(bytes.count)
    }
}
