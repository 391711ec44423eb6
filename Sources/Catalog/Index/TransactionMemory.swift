/// What a transaction has done, which it need not do, tell or look for again: others see all of it at once.
final class TransactionMemory {
    /// Directories whose time was moved.
    var touched: Set<Int64> = []
    /// Blobs that nobody outside knows yet.
    var newBlobs: Set<Int64> = []
    /// The directory below `/files` that was looked for last.
    var directory: (path: [[UInt8]], node: Int64)?

    /// Forgets all, where some of it was undone.
    func clear() {
        touched = []
        newBlobs = []
        directory = nil
    }
}
