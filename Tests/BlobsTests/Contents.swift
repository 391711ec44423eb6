import Foundation
import Primitives
import TestSupport

@testable import Blobs

/// A blob directory of its own.
struct Place {
    let folder = Result { try TemporaryFolder() }
    let blobs: BlobDirectory
    /// As on what disk incoming files are made.
    private let files: UnnamedFiles

    init(_ files: UnnamedFiles = .journaled) throws {
        self.files = files
        blobs = try BlobDirectory(path: try folder.get().url.path)
    }

    func names() throws -> [String] { try folder.get().names() }

    func path(_ name: String) throws -> String { try folder.get().path(name) }

    func write(_ name: String, _ text: String) throws { try folder.get().write(name, Data(text.utf8)) }

    func text(_ id: ContentID) throws -> String {
        try String(contentsOfFile: path(id.hex + ".enc"), encoding: .utf8)
    }

    /// A complete file that waits for its name.
    func incoming(_ text: String) throws -> IncomingBlob {
        let incoming = try blobs.begin(files)
        try Data(text.utf8).withUnsafeBytes { try incoming.write($0) }
        try incoming.synchronize()
        return incoming
    }
}

/// Some content id.
func id(_ number: UInt64) throws -> ContentID {
    try noise(32, seed: number).withUnsafeBytes { try SHA256.digest($0) }
}

/// The kind of the error that a call throws; nil where it throws none of the project's.
func kind(_ call: () throws -> Void) -> OsnovaError.Kind? {
    do { try call() } catch { return (error as? OsnovaError)?.kind }
    return nil
}
