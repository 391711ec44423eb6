internal import Blobs
internal import Catalog
internal import Glibc
internal import Primitives
internal import Sealing

/// What a check of one blob found.
enum BlobCondition: Sendable {
    /// File and rows are right. `isSettled`: its chunk tags are known, so that the time of the check says something.
    case sound(isSettled: Bool)
    /// The file is the content, the rows are not those of the file.
    case misrecorded(String)
    /// The file is not the content.
    case damaged(String)
    /// There is no file.
    case missing

    /// What is wrong, in words; nil where nothing is.
    var reason: String? {
        switch self {
        case .sound: nil
        case .misrecorded(let reason), .damaged(let reason): reason
        case .missing: "its file is missing"
        }
    }
}

/// Checks one blob after another.
///
/// Used by one thread at a time.
final class BlobCheck {
    private let store: Store
    private let audit: StoreAudit
    private let readsDisk: Bool
    private let onProgress: (Int) throws -> Void
    /// Paths that others than the owner may read or write.
    private(set) var openToOthers: [String] = []

    /// Readies checks.
    ///
    /// - Parameters:
    ///   - readsDisk: whether what the kernel has of a file in memory is dropped before and after it is read.
    ///   - group: that of the checks on other threads.
    ///   - onProgress: told the bytes just read; what it throws ends the check.
    init(
        store: Store, readsDisk: Bool = false, group: DigestGroup? = nil,
        onProgress: @escaping (Int) throws -> Void
    ) throws {
        self.store = store
        audit = try StoreAudit(store: store, group: group)
        self.readsDisk = readsDisk
        self.onProgress = onProgress
    }

    /// Checks a file against its name and against the rows.
    ///
    /// - Parameter tags: the chunk tags that were read with the record; without them, they are read anew.
    func condition(of record: BlobRecord, tags: [UInt8]? = nil) throws -> BlobCondition {
        try judge {
            let finding = try verify(record.id, expecting: record.generation)
            // Most often nothing has changed since the record was read.
            if let tags, Self.isRecorded(finding, record, tags) { return .sound(isSettled: true) }
            guard try finding.blob.length == record.size || isImplied(record, finding.blob) else {
                return .misrecorded("the database has another size: \(record.size), not \(finding.blob.length)")
            }
            let (known, tags) = try store.catalog.read { try ($0.blob(record.id), $0.tags(ofBlob: record.row)) }
            // A sound file under another nonce is another sealing of the same content; its next read adopts it.
            guard let known, known.nonce == finding.blob.nonce.bytes else { return .sound(isSettled: false) }
            guard known.extent == finding.blob.extent else {
                return .misrecorded("the database has another encoding than the file")
            }
            guard Self.isRecorded(finding, known, tags) else {
                return .misrecorded("the database has other chunk tags than the file")
            }
            return .sound(isSettled: true)
        }
    }

    private static func isRecorded(_ finding: BlobAudit.Finding, _ record: BlobRecord, _ tags: [UInt8]) -> Bool {
        record.nonce == finding.blob.nonce.bytes && record.extent == finding.blob.extent
            && record.generation == finding.blob.generation && tags == finding.tags
    }

    /// Whether a row has what the file of a blob that nobody verified yet implies, with a key or without one.
    private func isImplied(_ record: BlobRecord, _ blob: SealedBlob) throws -> Bool {
        guard record.nonce == nil else { return false }
        return try record.size == blob.sealedLength
            || store.probe.look(at: record.id)?.extent == record.extent
    }

    /// Checks a file that has no row.
    func condition(ofUntracked id: ContentID) throws -> BlobCondition {
        try judge {
            _ = try verify(id)
            return .sound(isSettled: false)
        }
    }

    /// Looks whether there is a file, without reading it.
    func isMissing(_ record: BlobRecord) throws -> Bool {
        try store.blobs.status(of: record.id) == nil
    }

    private func verify(_ id: ContentID, expecting generation: Int64? = nil) throws -> BlobAudit.Finding {
        let file = try store.blobs.openToCheck(id)
        if try SystemCalls.status(of: file).isOpenToOthers { openToOthers.append("\(store.blobs.path)/\(id.hex).enc") }
        if readsDisk { SystemCalls.dropCachedPages(of: file) }
        defer { if readsDisk { SystemCalls.dropCachedPages(of: file) } }
        return try audit.verify(file: file, id: id, expecting: generation, progress: onProgress)
    }

    private func judge(_ check: () throws -> BlobCondition) throws -> BlobCondition {
        do {
            return try check()
        } catch let error as OsnovaError {
            switch error.kind {
            case .notFound: return .missing
            case .damaged, .inputOutput: return .damaged(error.message)
            default: throw error
            }
        }
    }
}

extension SystemCalls.Status {
    /// Whether others than the owner may do anything with it.
    var isOpenToOthers: Bool { mode & 0o077 != 0 }
}
