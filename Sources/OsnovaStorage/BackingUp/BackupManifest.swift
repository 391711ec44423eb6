internal import Foundation
internal import Primitives

/// What one generation of a backup holds.
struct BackupManifest: Codable, Sendable {
    /// A database file of the backup.
    struct Part: Codable, Sendable {
        let name: String
        let size: Int64
        let sha256: String
    }

    /// The database of the generation.
    struct Database: Codable, Sendable {
        /// The whole database, or an older whole one of which `delta` tells the difference.
        let whole: Part
        let delta: Part?
        /// Of the generation's own database.
        let size: Int64
        let sha256: String
    }

    /// A directory, file or link beside blobs and database.
    struct Entry: Codable, Sendable {
        enum Kind: String, Codable, Sendable {
            case directory, file, link
        }

        let kind: Kind
        /// Relative to the data root; bytes that are not printable ASCII are `%XX`.
        let path: String
        let mode: UInt32
        /// Unix nanoseconds.
        let modified: Int64
        /// Of a file.
        let size: Int64?
        let sha256: String?
        /// Of a link, spelled as paths are.
        let target: String?
    }

    let format: Int
    let generation: String
    /// Rises from one generation to the next, whatever the clock says.
    let sequence: Int
    /// Unix seconds.
    let created: Int64
    let keyFingerprint: String?
    let database: Database
    let entries: [Entry]
    let blobCount: Int
    let blobBytes: Int64
    /// SHA-256 of the lines `<sha256 of the file>  <path>` of all its sealed files, in the order of the paths.
    let blobDigest: String
    /// Sealed files that the database does not know.
    let untracked: [String]
    /// Blobs that had no file, or none that could be read, and no earlier copy of it.
    let missing: [String]
    /// Blobs whose file is not `blobs/<sha256>.enc` but another sealing, with its path.
    let variants: [String: String]

    private struct Header: Codable {
        let osnovaBackup: Int
        let sha256: String
    }

    /// The bytes of the manifest's file: a line with the SHA-256 of the rest, and the rest.
    ///
    /// - Throws: `cannotCreate` for one that could not be read back.
    func encoded() throws -> [UInt8] {
        guard hasSoundNumbers else {
            throw OsnovaError(
                .cannotCreate, "the manifest of \(generation) would hold numbers out of range: set the machine's clock")
        }
        let encoder = Self.encoder
        let body = [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
        let digest = try body.withUnsafeBytes { try SHA256.digest($0) }
        let header = [UInt8](try encoder.encode(Header(osnovaBackup: format, sha256: digest.hex)))
        return header + [UInt8(ascii: "\n")] + body
    }

    /// Reads a manifest's file.
    ///
    /// - Parameter generation: what the file's name says.
    /// - Throws: `damaged` for one that is cut, changed, of a newer version or of another generation.
    init(file bytes: [UInt8], path: String, generation: String) throws {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")),
            let header = try? Self.decoder.decode(Header.self, from: Data(bytes[..<end]))
        else { throw OsnovaError.damaged("\(path) is no manifest of a backup") }
        guard header.osnovaBackup <= BackupLayout.format else {
            throw OsnovaError.damaged(
                "\(path) has version \(header.osnovaBackup), this program knows \(BackupLayout.format): "
                    + "use a newer osnovafs")
        }
        let body = Array(bytes[(end + 1)...])
        let digest = try body.withUnsafeBytes { try SHA256.digest($0) }
        guard digest.hex == header.sha256, let manifest = try? Self.decoder.decode(Self.self, from: Data(body)) else {
            throw OsnovaError.damaged("\(path) is damaged: it does not have its SHA-256")
        }
        guard manifest.generation == generation, manifest.hasSoundNumbers else {
            throw OsnovaError.damaged("\(path) is malformed: it is no manifest of a backup's generation \(generation)")
        }
        self = manifest
    }

    /// Numbers that can be reckoned with: from outside come no negative sizes, and none whose sum overflows.
    private var hasSoundNumbers: Bool {
        let sizes = [blobBytes, database.size, database.whole.size, database.delta?.size ?? 0]
        let counts = [Int64(sequence), Int64(blobCount), created]
        return (sizes + counts + entries.map { $0.size ?? 0 }).allSatisfy((0...Self.largest).contains)
    }

    /// What a number of JSON holds exactly everywhere (RFC 8259, section 6).
    static let largest: Int64 = 1 << 53

    init(
        generation: String, sequence: Int, keyFingerprint: String?, database: Database, entries: [Entry],
        blobs: BackupBlobs, blobDigest: String
    ) {
        format = BackupLayout.format
        self.generation = generation
        self.sequence = sequence
        created = Clock.seconds
        self.keyFingerprint = keyFingerprint
        self.database = database
        self.entries = entries
        blobCount = blobs.paths.count
        blobBytes = blobs.bytes
        self.blobDigest = blobDigest
        untracked = blobs.untracked.sorted()
        missing = blobs.missing.sorted()
        variants = blobs.variants
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}
