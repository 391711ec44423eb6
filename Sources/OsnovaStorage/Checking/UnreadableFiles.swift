internal import Primitives

/// What a disk cannot read of one file among many is damage like any other: it is told, and the rest goes on.
enum UnreadableFiles {
    /// Has what reads a file, and does nothing else that may fail, throw `damaged` where the disk fails.
    static func areDamaged<Result>(_ read: () throws -> Result) throws -> Result {
        do {
            return try read()
        } catch let error as OsnovaError where error.kind == .inputOutput {
            throw OsnovaError.damaged(error.message)
        }
    }
}
