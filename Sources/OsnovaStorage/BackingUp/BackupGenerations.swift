internal import Blobs
internal import Foundation
internal import Glibc
internal import Primitives

/// A generation of a backup.
public struct BackupGeneration: Sendable {
    /// Its name.
    public let name: String
    /// Unix seconds.
    public let created: Int64
    /// Sealed files.
    public let blobs: Int
    /// Bytes of sealed files.
    public let blobBytes: Int64
    /// Bytes of the database.
    public let databaseBytes: Int64
    /// What is wrong with its manifest, so that nothing else is known of it; nil for a sound one.
    public internal(set) var damage: String?

    init(_ manifest: BackupManifest) {
        name = manifest.generation
        created = manifest.created
        blobs = manifest.blobCount
        blobBytes = manifest.blobBytes
        databaseBytes = manifest.database.size
        damage = nil
    }

    /// Of a damaged one its name alone is left.
    init(_ damaged: BackupManifests.Damaged) {
        name = damaged.name
        created = GenerationName(damaged.name)?.seconds ?? 0
        (blobs, blobBytes, databaseBytes) = (0, 0, 0)
        damage = damaged.error.message
    }
}

/// Which generations a pruning keeps: of each span the newest, for so many spans that have one.
public struct BackupRetention: Sendable {
    /// The newest ones.
    public var last = 0
    /// Days, weeks and months, in UTC.
    public var daily = 0, weekly = 0, monthly = 0

    /// Keeps nothing that it is not told to.
    public init() {}

    /// The generations to keep, of a list with the oldest first.
    func kept(of generations: [BackupGeneration]) -> Set<String> {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = .gmt
        let spans: [(Int, Set<Calendar.Component>)] = [
            (daily, [.year, .month, .day]), (weekly, [.yearForWeekOfYear, .weekOfYear]), (monthly, [.year, .month]),
        ]
        var kept = Set(generations.suffix(max(0, last)).map(\.name))
        for (count, components) in spans {
            var seen: Set<DateComponents> = []
            for generation in generations.reversed() where seen.count < count {
                let date = Date(timeIntervalSince1970: TimeInterval(generation.created))
                if seen.insert(calendar.dateComponents(components, from: date)).inserted {
                    kept.insert(generation.name)
                }
            }
        }
        return kept
    }
}

/// The generations of a backup: list, verify, prune.
public struct BackupGenerations {
    private let place: BackupPlace

    /// Opens a backup; nobody else works on it as long as this lives.
    public init(backup path: String) throws {
        place = try BackupPlace(opening: DataRoot(path: path).path)
    }

    /// All generations, the oldest first; those with a damaged manifest where their names say.
    public func list() throws -> [BackupGeneration] { try Self.list(place.generations()) }

    private static func list(_ manifests: BackupManifests) -> [BackupGeneration] {
        var all = manifests.sound.map { BackupGeneration($0) }
        for damaged in manifests.damaged {
            let later = all.firstIndex { GenerationName.isNewer($0.name, than: damaged.name) }
            all.insert(BackupGeneration(damaged), at: later ?? all.endIndex)
        }
        return all
    }

    /// Reads back everything that a generation needs; the newest one without a name.
    ///
    /// - Returns: what is damaged, in words; empty where all is as it was written.
    /// - Throws: `notFound` where there is no such generation.
    public func verify(_ generation: String? = nil, onProgress: (Int) -> Void = { _ in }) throws -> [String] {
        let manifest: BackupManifest
        do {
            manifest = try place.manifest(generation)
        } catch let error as OsnovaError where error.kind == .damaged {
            return [error.message]
        }
        var findings: [String] = []
        func attempt(_ step: () throws -> Void) throws {
            do {
                try step()
            } catch let error as OsnovaError where error.kind == .damaged || error.kind == .notFound {
                findings.append(error.message)
            }
        }
        try attempt {
            let contents = try contents(of: manifest)
            for blob in contents.blobs {
                try attempt { try contents.readBlob(blob.path, contents.openBlob(blob.path)) { onProgress($0.count) } }
            }
            for entry in contents.manifest.entries where entry.kind == .file {
                try attempt { try contents.readFile(entry) { onProgress($0.count) } }
            }
        }
        return findings
    }

    /// Removes the generations that a rule does not keep, and then what no generation needs any more.
    ///
    /// - Returns: the generations that are gone.
    /// - Throws: `usage` for a rule that keeps nothing; `damaged` where one that it keeps is, since nobody can tell then
    ///   what that one needs: nothing is removed.
    public func prune(_ retention: BackupRetention) throws -> [BackupGeneration] {
        let manifests = try place.generations()
        let all = Self.list(manifests)
        let kept = retention.kept(of: all)
        guard !kept.isEmpty || all.isEmpty else {
            throw OsnovaError(.usage, "nothing would be kept: say what with --keep-last, --keep-daily, …")
        }
        if let damage = all.lazy.filter({ kept.contains($0.name) }).compactMap(\.damage).first {
            throw OsnovaError.damaged("\(damage); remove that manifest if its generation may go: nothing was removed")
        }
        // What stays must be whole before anything that it may share goes.
        let contents = try manifests.sound.filter { kept.contains($0.generation) }.map { try self.contents(of: $0) }
        try place.removeTemporaries()
        let gone = all.filter { !kept.contains($0.name) }
        let folder = "\(place.path)/\(BackupLayout.generations)"
        for generation in gone { try BackupFiles.remove("\(generation.name).json", in: folder) }
        // A generation that is listed after a power cut has its files; they may lie on another disk.
        if !gone.isEmpty { try BackupFiles.synchronize(folder) }
        try sweep(contents)
        return gone
    }

    private func contents(of manifest: BackupManifest) throws -> BackupContents {
        // Not on the backup's disk, which may be full: that is when people prune.
        let scratch = try LockedFolder.scratch()
        return try withExtendedLifetime(scratch) {
            let copy = "\(scratch.path)/osnova.db"
            try BackupDatabases(backup: place.path).restore(manifest.database, to: copy)
            return try BackupContents(backup: place.path, manifest: manifest, database: copy)
        }
    }

    private func sweep(_ kept: [BackupContents]) throws {
        let databases = kept.flatMap { contents in
            [contents.manifest.database.whole.name] + [contents.manifest.database.delta?.name].compactMap { $0 }
        }
        try sweep(BackupLayout.databases, keeping: Set(databases))
        try sweep(BackupLayout.files, keeping: Set(kept.flatMap { $0.manifest.entries.compactMap(\.sha256) }))
        let paths = try sweepBlobs(keeping: Set(kept.flatMap { $0.blobs.map(\.id) + $0.manifest.missing }))
        // Last, since it takes room that there may not have been before.
        try mergeChecksums(paths.union(kept.flatMap { $0.blobs.map(\.path) }))
    }

    /// Removes the sealed files of contents that no generation names.
    ///
    /// Of the others all stay: nobody can tell here which of several files of a content is sound, and what a generation
    /// misses an older one may have had.
    ///
    /// - Returns: the paths of those that stay.
    private func sweepBlobs(keeping hashes: Set<String>) throws -> Set<String> {
        var paths: Set<String> = []
        let folders = ["\(place.path)/\(BackupLayout.blobs)"] + BackupLayout.otherSealings(in: place.path)
        for folder in folders {
            let directory = try BlobDirectory(path: folder)
            let prefix = folder.dropFirst(place.path.count + 1)
            try directory.removeStaleTemporaries()
            try directory.scan { entry in
                guard case .blob(let id) = entry else { return true }
                if hashes.contains(id.hex) {
                    paths.insert("\(prefix)/\(id.hex).enc")
                } else {
                    try directory.remove(id)
                }
                return true
            }
        }
        return paths
    }

    /// One list in place of all: it is there before the others go.
    private func mergeChecksums(_ paths: Set<String>) throws {
        let folder = "\(place.path)/\(BackupLayout.checksums)"
        let old = try BackupFiles.names(in: folder)
        let sums = try ChecksumLists(in: place.path).sums.filter { paths.contains($0.key) }
        let name = "\(ChecksumLists.mergedPrefix)\(Clock.nanoseconds)"
        _ = try ChecksumLists.write(sums, as: name, in: place.path)
        for list in old where list != name && BackupLayout.isOwn(list, in: BackupLayout.checksums) {
            try BackupFiles.remove(list, in: folder)
        }
    }

    private func sweep(_ folder: String, keeping names: Set<String>) throws {
        let path = "\(place.path)/\(folder)"
        for name in try BackupFiles.names(in: path)
        where !names.contains(name) && BackupLayout.isOwn(name, in: folder) {
            try BackupFiles.remove(name, in: path)
        }
    }
}
