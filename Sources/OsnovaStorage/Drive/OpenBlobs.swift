internal import Primitives
internal import Sealing
internal import Synchronization
internal import Tree

/// A sealed file that is open for reads, and what its chunk tags were made for.
final class OpenBlob: Sendable {
    let row: Int64
    let blob: SealedBlob
    let file: OwnedDescriptor
    /// What a program sees of it.
    let attributes: Attributes
    /// The chunk tags that came with its identity; none where it was adopted just now.
    let firstTags: [UInt8]
    private let status: SystemCalls.Status

    init(
        row: Int64, blob: SealedBlob, file: OwnedDescriptor, status: SystemCalls.Status, created: Int64,
        kind: Attributes.Kind, firstTags: [UInt8]
    ) {
        self.firstTags = firstTags
        attributes = Attributes(
            inode: .blob(row), kind: kind, size: blob.length, modified: created, changed: created)
        self.row = row
        self.blob = blob
        self.file = file
        self.status = status
    }

    /// Whether the file is what it was when it was opened: a cut, an extension, a removal all move its change time.
    var isCurrent: Bool {
        guard let now = try? SystemCalls.status(of: file) else { return false }
        return now == status
    }
}

/// The sealed files that were read last, open: a bounded number of descriptors that all threads share.
final class OpenBlobs: Sendable {
    /// Descriptors held at most: a quarter of what a process may have under the usual limit of 1024, or under less.
    private static let capacity = max(8, min(256, SystemCalls.raiseOpenFileLimit() / 4))

    private struct State {
        var byRow: [Int64: OpenBlob] = [:]
        var ring: [Int64?] = Array(repeating: nil, count: OpenBlobs.capacity)
        var position = 0
    }

    private let state = Mutex(State())

    /// The open file of a blob, if it is among those held.
    func find(_ row: Int64) -> OpenBlob? {
        state.withLock { $0.byRow[row] }
    }

    /// Holds an open file in place of the one that was opened longest ago, which closes when the caller lets go of it.
    func insert(_ blob: OpenBlob) -> OpenBlob? {
        state.withLock { state in
            if let previous = state.byRow.updateValue(blob, forKey: blob.row) { return Optional(previous) }
            let oldest = state.ring[state.position].flatMap { state.byRow.removeValue(forKey: $0) }
            state.ring[state.position] = blob.row
            state.position = (state.position + 1) % Self.capacity
            return oldest
        }
    }

    /// Lets go of all files.
    func removeAll() {
        let dropped = state.withLock { state in
            defer { state = State() }
            return state.byRow
        }
        withExtendedLifetime(dropped) {}
    }

    /// Lets go of a blob's file.
    func remove(_ row: Int64) {
        // What falls out is released after the lock: closing is a system call.
        let dropped = state.withLock { state in
            guard let held = state.byRow.removeValue(forKey: row) else { return OpenBlob?.none }
            if let index = state.ring.firstIndex(of: row) { state.ring[index] = nil }
            return held
        }
        withExtendedLifetime(dropped) {}
    }
}
