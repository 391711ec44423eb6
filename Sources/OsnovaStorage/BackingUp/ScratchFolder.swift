internal import Foundation
internal import Primitives

/// A directory of its own in `$TMPDIR`, its owner's alone; gone when this is.
final class ScratchFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("osnovafs-\(UUID().uuidString)").path
        try BackupFiles.makeDirectory(path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
