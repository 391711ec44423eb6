internal import Blobs
internal import Catalog
internal import Glibc
internal import Primitives
internal import Sealing

/// Seals contents anew under the target of a rekey, some hundred at a time.
///
/// A file is verified as a whole while it is sealed anew into a temporary; only then the new file is made durable, takes
/// the place of the old one, and its row follows. A compressed stream is sealed as it is. Cut anywhere, there is one whole file; where it is newer than its row,
/// the next reader or the next run verifies it as a whole. No blob is removed by others between the first
/// ``reseal(_:onProgress:)`` and ``commit()``. Used by one thread at a time.
final class Resealer {
    /// What became of a content.
    enum Outcome {
        /// It was sealed anew; what is said is true after ``commit()``.
        case sealed
        /// Its file was the new one already.
        case wasSealed
        /// There is no file.
        case missing
        /// Neither key opens the file.
        case damaged(String)
    }

    /// Open files at once: an eighth of what a process may have.
    private static let maximumCount = max(1, min(256, SystemCalls.raiseOpenFileLimit() / 8))
    private static let maximumBytes: Int64 = 256 << 20
    /// Microseconds after which whoever waits to remove blobs has looked once more.
    private static let pause: UInt32 = 15_000

    private let store: Store
    private let source: BlobAudit
    private let target: BlobAudit
    private let sealer: BlobSealer
    private let cipher = ScratchBuffer(count: BlobAudit.pieceSize)
    private let sourceGeneration: Int64
    /// By which the kernel tells this rekey, whatever it has told others, of a write that failed.
    private let disk: OwnedDescriptor
    private var lock: BlobLock?
    private var files: [(incoming: IncomingBlob, id: ContentID)] = []
    private var records: [VerifiedBlob] = []
    private var bytes: Int64 = 0

    init(store: Store, from source: SealingKeys, to target: SealingKeys) throws {
        self.store = store
        self.source = try BlobAudit(keys: source)
        self.target = try BlobAudit(keys: target)
        sealer = try BlobSealer(keys: target)
        sourceGeneration = source.generation
        disk = try store.blobs.reopen()
    }

    /// Seals a content anew.
    ///
    /// - Parameters:
    ///   - id: the content.
    ///   - nonce: what its row says of the file; nil for a file without a row, or one that was not verified yet.
    ///   - onProgress: told the bytes just read.
    func reseal(_ id: ContentID, nonce: [UInt8]?, onProgress: (Int) -> Void) throws -> Outcome {
        if lock == nil { lock = try store.blobs.lockAgainstRemoval() }
        do {
            let file = try store.blobs.openToCheck(id)
            // A file that is not its row's may be the new one, which a run that was cut short has left.
            let isRows =
                try nonce.map { nonce in try UnreadableFiles.areDamaged { try store.fileNonce(file) } == nonce } ?? true
            let ways = isRows ? [seal, recognize] : [recognize, seal]
            return try attempt(ways, file, id, onProgress)
        } catch let error as OsnovaError where error.kind == .notFound {
            return .missing
        } catch let error as OsnovaError where error.kind == .damaged {
            return .damaged(error.message)
        }
    }

    private typealias Way = (OwnedDescriptor, ContentID, (Int) -> Void) throws -> Outcome

    /// The first of two ways that works; what the first one found wrong where none does.
    private func attempt(
        _ ways: [Way], _ file: OwnedDescriptor, _ id: ContentID, _ onProgress: (Int) -> Void
    ) throws -> Outcome {
        do {
            return try ways[0](file, id, onProgress)
        } catch let error as OsnovaError where error.kind == .damaged {
            do {
                return try ways[1](file, id) { _ in }
            } catch let second as OsnovaError where second.kind == .damaged {
                throw error
            }
        }
    }

    private func recognize(_ file: OwnedDescriptor, _ id: ContentID, _ onProgress: (Int) -> Void) throws -> Outcome {
        let finding = try UnreadableFiles.areDamaged { try target.verify(file: file, id: id, progress: onProgress) }
        add(VerifiedBlob(finding), nil)
        return .wasSealed
    }

    private func seal(_ file: OwnedDescriptor, _ id: ContentID, _ onProgress: (Int) -> Void) throws -> Outcome {
        let incoming = try store.blobs.begin(replacing: true)
        try sealer.restart()
        try sealer.header.withUnsafeBytes { try incoming.write($0) }
        var isReading = true
        let finding: BlobAudit.Finding
        do {
            finding = try source.verify(file: file, id: id, progress: onProgress) { piece in
                isReading = false
                let output = UnsafeMutableRawBufferPointer(rebasing: cipher.bytes.prefix(piece.count))
                try sealer.seal(piece, into: output)
                try incoming.write(UnsafeRawBufferPointer(output))
                isReading = true
            }
        } catch let error as OsnovaError where error.kind == .inputOutput && isReading {
            // What its disk cannot read is damaged; a disk that cannot be written stops everything.
            throw OsnovaError.damaged(error.message)
        }
        let extent = finding.blob.extent
        let sealed = try sealer.finish(id: id, compressed: extent.encoding == .plain ? nil : extent.length)
        try sealed.trailer.withUnsafeBytes { try incoming.write($0) }
        add(VerifiedBlob(finding, sealedAnew: sealed), incoming)
        return .sealed
    }

    private func add(_ record: VerifiedBlob, _ incoming: IncomingBlob?) {
        records.append(record)
        guard let incoming else { return }
        files.append((incoming, record.id))
        bytes += record.extent.sealedLength
    }

    /// Whether it is time to call ``commit()``, to bound what is open and unwritten.
    var isFull: Bool { records.count >= Self.maximumCount || bytes >= Self.maximumBytes }

    /// Puts the new files in the place of the old ones, durably, then their rows; lets blobs be removed again.
    func commit() throws {
        defer {
            files = []
            records = []
            bytes = 0
            lock = nil
        }
        try store.blobs.synchronize(contentsOf: files.map(\.incoming), through: disk)
        for file in files { _ = try store.blobs.commit(file.incoming, as: file.id, replacing: true) }
        if !files.isEmpty { try store.blobs.synchronize(namesOf: files.map(\.incoming), through: disk) }
        guard !records.isEmpty else { return }
        try store.catalog.write { writing in
            for record in records { try writing.record(record) }
        }
        lock = nil
        usleep(Self.pause)
    }
}

extension VerifiedBlob {
    /// A content that an audit found sound and that was sealed anew on the way.
    fileprivate init(_ finding: BlobAudit.Finding, sealedAnew sealed: BlobSealer.Sealed) {
        self.init(finding)
        nonce = sealed.blob.nonce.bytes
        tags = sealed.tags
        generation = sealed.blob.generation
    }
}
