internal import Catalog
internal import Foundation
internal import Primitives
internal import SystemPackage
internal import Tree

/// Makes the files that the driver makes up.
///
/// Used by one thread at a time.
final class FileMaker {
    /// What was made.
    struct Product {
        enum Content {
            case file(OwnedDescriptor)
            case bytes([UInt8])
        }

        let content: Content
        let size: Int64
        /// Unix nanoseconds.
        let modified: Int64
    }

    private let store: Store
    private let metrics: DriveMetrics
    private let copies: DatabaseCopy
    private let books: CurrentNumberBook
    private let upkeep: UpkeepCounters
    private var upkeepBook: UpkeepBook
    /// How often the book was opened anew: each counts its versions from the beginning.
    private var reopenings: Int64 = 0

    init(store: Store, books: CurrentNumberBook, metrics: DriveMetrics, upkeep: UpkeepCounters) throws {
        self.store = store
        self.books = books
        self.metrics = metrics
        self.upkeep = upkeep
        upkeepBook = try UpkeepBook(path: store.root.upkeep)
        copies = try DatabaseCopy(path: store.root.database)
    }

    /// A number that is another one when a file's sources may have changed; nil for what is made at every look.
    func version(of file: GeneratedFile) throws -> Int64? {
        switch file {
        case .metrics, .stamp: nil
        case .statistics:
            try copies.version() << 32 ^ withUpkeepBook { try reopenings << 24 ^ $0.version() }
        default: try copies.version()
        }
    }

    func make(_ file: GeneratedFile) throws -> Product {
        switch file {
        case .database: try makeDatabase()
        case .checksums, .blobChecksums: try makeChecksums(file)
        case .statistics: try product(of: store.statistics().file())
        case .metrics: try product(of: Array((MetricsText.text(metrics.totals()) + upkeepMetrics()).utf8))
        case .stamp, .directory: throw OsnovaError(.usage, "\(file.fileName) has no content")
        }
    }

    private func product(of bytes: [UInt8]) throws -> Product {
        Product(content: .bytes(bytes), size: Int64(bytes.count), modified: Clock.nanoseconds)
    }

    private func upkeepMetrics() throws -> String {
        upkeep.metrics(damaged: try withUpkeepBook { try store.standingDamage(in: $0).count })
    }

    /// The book may turn out to be damaged at any time, and is made anew by whoever finds that first.
    private func withUpkeepBook<Result>(_ body: (UpkeepBook) throws -> Result) throws -> Result {
        do {
            if !upkeepBook.isCurrent { try reopenUpkeepBook() }
            return try body(upkeepBook)
        } catch let error as OsnovaError where error.kind == .damaged {
            _ = try UpkeepBook.remakeIfDamaged(path: store.root.upkeep)
            try reopenUpkeepBook()
            return try body(upkeepBook)
        }
    }

    private func reopenUpkeepBook() throws {
        upkeepBook = try UpkeepBook(path: store.root.upkeep)
        reopenings &+= 1
    }

    // MARK: The database

    private func makeDatabase() throws -> Product {
        try UnnamedFile.fill(in: store.root) { copy in
            try copies.write(to: copy.file, named: copy.path) { copy.removeName() }
            let (digest, size) = try Self.digest(copy.file)
            return Product(content: .file(copy.file), size: size, modified: try time(of: .database, digest))
        }
    }

    private static func digest(_ file: OwnedDescriptor) throws -> (ContentID, Int64) {
        let digest = try SHA256()
        let piece = ScratchBuffer(count: 1 << 20)
        var offset: Int64 = 0
        do {
            while true {
                let count = try SystemCalls.read(file, into: piece.bytes, at: offset)
                if count == 0 { return (try digest.finish(), offset) }
                digest.update(UnsafeRawBufferPointer(rebasing: piece.bytes.prefix(count)))
                offset &+= Int64(count)
            }
        } catch let error as Errno {
            throw error.failure("reading a copy of the database", kind: .inputOutput)
        }
    }

    private func time(of file: GeneratedFile, _ digest: ContentID) throws -> Int64 {
        let now = Clock.nanoseconds
        do {
            return try books.use { try $0.modified(of: file.rawValue, digest: digest, now: now) }
        } catch let error as OsnovaError where error.kind == .denied || error.kind == .inputOutput {
            // On a disk that takes nothing any more the next mount shows another time; a backup of this one goes on.
            return now
        }
    }

    // MARK: Checksums

    private func makeChecksums(_ file: GeneratedFile) throws -> Product {
        try UnnamedFile.fill(in: store.root) { target in
            target.removeName()
            let writer = try DigestingWriter(to: target.file)
            let list = try ChecksumList(path: store.root.database)
            if file == .checksums {
                try list.forEachFile { try writer.write(ChecksumLine.bytes($1, name: $0) + [UInt8(ascii: "\n")]) }
            } else {
                try list.forEachBlob { try writer.write(ChecksumLine.bytes($0, name: $0) + [UInt8(ascii: "\n")]) }
            }
            let digest = try writer.finish()
            return Product(content: .file(target.file), size: writer.size, modified: try time(of: file, digest))
        }
    }
}

/// A line as GNU coreutils' `sha256sum` writes and checks it.
public enum ChecksumLine {
    /// A name with a backslash or a line break is escaped, and the line then starts with a backslash.
    ///
    /// - Parameter digest: in hexadecimal.
    public static func bytes(_ digest: [UInt8], name: [UInt8]) -> [UInt8] {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(name.count)
        for byte in name {
            switch byte {
            case UInt8(ascii: "\\"): escaped += Array("\\\\".utf8)
            case UInt8(ascii: "\n"): escaped += Array("\\n".utf8)
            case UInt8(ascii: "\r"): escaped += Array("\\r".utf8)
            default: escaped.append(byte)
            }
        }
        return (escaped == name ? [] : [UInt8(ascii: "\\")]) + digest + Array("  ".utf8) + escaped
    }
}
