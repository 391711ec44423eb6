internal import Catalog
internal import Dispatch
internal import Primitives

/// What is sealed and made durable together: some files, and the directories and links around them.
struct UploadLoad {
    enum Entry {
        case content(PutBatch.Source, name: [UInt8], target: (PutResult) -> UploadPath)
        case change((Writing) throws -> Void)
    }

    /// Enough to share the waits for the disk, and few enough that several loads are under way at once.
    private static let maximumCount = min(512, PutBatch.maximumCount)
    private static let maximumBytes: Int64 = 64 << 20

    private(set) var entries: [Entry] = []
    private var bytes: Int64 = 0

    var isEmpty: Bool { entries.isEmpty }
    var isFull: Bool { entries.count >= Self.maximumCount || bytes >= Self.maximumBytes }

    /// - Parameter size: how long the content is, as far as it is known.
    mutating func append(_ entry: Entry, size: Int64 = 0) {
        entries.append(entry)
        bytes = bytes.addingReportingOverflow(max(0, size)).partialValue
    }
}

/// A load on its way into the store, on a thread of its own: sealed and made durable beside others, recorded after those before it.
///
/// Used by the thread that made it.
final class BackgroundUpload {
    let batch: PutBatch
    private let work: UploadWork
    private let group = DispatchGroup()
    private static let queue = DispatchQueue(label: "osnova.put", qos: .userInitiated, attributes: .concurrent)

    /// Starts it.
    ///
    /// - Parameters:
    ///   - batch: an empty one, which nobody else uses until ``finish()``.
    ///   - previous: the load before, so that the same path twice ends as the later one.
    init(of load: UploadLoad, in batch: PutBatch, after previous: BackgroundUpload?) {
        self.batch = batch
        work = UploadWork(load: load, batch: batch)
        let (work, turn) = (work, previous?.group)
        Self.queue.async(group: group) { work.run { turn?.wait() } }
    }

    deinit { group.wait() }

    /// Waits for the end.
    func finish() -> UploadWork.Outcome {
        group.wait()
        return work.outcome
    }
}

/// The work of one load.
///
/// `@unchecked Sendable` holds because one thread runs it, and the outcome is read when that one has ended.
final class UploadWork: @unchecked Sendable {
    /// What came of a load.
    struct Outcome {
        var stored: [Uploader.Uploaded] = []
        /// What was left out; the rest is stored.
        var failures: [OsnovaError] = []
        /// Why nothing is stored.
        var error: (any Error)?
    }

    private let load: UploadLoad
    private let batch: PutBatch
    private(set) var outcome = Outcome()

    init(load: UploadLoad, batch: PutBatch) {
        self.load = load
        self.batch = batch
    }

    /// Seals everything, makes it durable and, when it is its turn, records it.
    func run(awaitingTurn: () -> Void) {
        do {
            for entry in load.entries {
                switch entry {
                case .change(let change): batch.add(change)
                case .content(let source, let name, let target): try seal(source, name, target)
                }
            }
            outcome.failures += try batch.commit(awaitingTurn: awaitingTurn)
        } catch {
            outcome.error = error
        }
    }

    private func seal(
        _ source: PutBatch.Source, _ name: [UInt8], _ target: @escaping (PutResult) -> UploadPath
    ) throws {
        do {
            try batch.take(source) { [unowned self] writing, row, result in
                try writing.saveFile(at: target(result).components, blob: row)
                outcome.stored.append(Uploader.Uploaded(name: name, result: result))
            }
        } catch let failure as SourceFailure {
            outcome.failures.append(failure.adviced)
        } catch let error as OsnovaError where error.kind == .usage {
            // A content that is too long; whatever else fails, such as a full disk, would fail for the next file too.
            outcome.failures.append(error)
        }
    }
}
