internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// Reads a manifest from a file or standard input.
enum ManifestFile {
    /// Far more than a manifest is; what is larger was named by mistake.
    private static let limit = 16 << 20

    static func read(_ argument: PathArgument) throws -> (bytes: [UInt8], name: String) {
        let name = argument.isStandardStream ? "standard input" : argument.path.string
        do {
            let file =
                argument.isStandardStream
                ? try OwnedDescriptor(copying: STDIN_FILENO)
                : OwnedDescriptor(try FileDescriptor.open(argument.path, .readOnly, options: .closeOnExec))
            let buffer = ScratchBuffer(count: limit)
            return try withExtendedLifetime(buffer) {
                let count = try SystemCalls.readStream(file, into: buffer.bytes)
                guard count < limit else { throw OsnovaError.damaged("\(name) is too large for a manifest") }
                return ([UInt8](buffer.bytes.prefix(count)), name)
            }
        } catch let error as Errno {
            throw error.failure("reading the manifest \(name)")
        }
    }
}

/// Shows one row with its manifest.
enum DetailedDocument {
    private struct Detailed<Row: Encodable>: Encodable {
        let row: Row
        let manifest: String

        private enum Key: CodingKey { case manifest }

        func encode(to encoder: any Encoder) throws {
            try row.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(manifest, forKey: .manifest)
        }
    }

    static func say(_ row: some ListedDocument, manifest: String, json: Bool) throws {
        if json { return try Terminal.sayJSON(Detailed(row: row, manifest: manifest)) }
        Table.print(type(of: row).header, [row.cells])
        Terminal.say(Table.printableLines(manifest))
    }
}

/// Says that a row was removed.
enum Removal {
    private struct Outcome: Encodable {
        let removed: String
    }

    static func say(_ what: String, _ id: String, json: Bool) throws {
        if json { return try Terminal.sayJSON(Outcome(removed: id)) }
        Terminal.say("removed \(what) \(Table.printable(id))")
    }
}
