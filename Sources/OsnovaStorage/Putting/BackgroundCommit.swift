internal import Dispatch
internal import Primitives

/// A batch with what is to be told of its files once they are durable.
///
/// `@unchecked Sendable` holds because it belongs to one thread at a time: to the one that fills it, then to the one that
/// commits it, then to the first again, which has waited for the second.
final class UploadLoad: @unchecked Sendable {
    let batch: PutBatch
    var stored: [Uploader.Uploaded] = []

    init(_ batch: PutBatch) { self.batch = batch }
}

/// The commit of a batch on a thread of its own, so that the disk works while the next contents are sealed.
///
/// Used by the thread that made it.
final class BackgroundCommit {
    let load: UploadLoad
    private let outcome: Outcome
    private let group = DispatchGroup()
    private static let queue = DispatchQueue(label: "osnova.put", qos: .userInitiated)

    /// Written before the group is left, read after it was waited for.
    private final class Outcome: @unchecked Sendable {
        var result: Result<[OsnovaError], any Error> = .success([])
    }

    /// Starts it.
    init(of load: UploadLoad) {
        self.load = load
        let outcome = Outcome()
        self.outcome = outcome
        Self.queue.async(group: group) { outcome.result = Result { try load.batch.commit() } }
    }

    deinit { group.wait() }

    /// Waits for its end and does what ``PutBatch/commit()`` does.
    func finish() throws -> [OsnovaError] {
        group.wait()
        return try outcome.result.get()
    }
}
