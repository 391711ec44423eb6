internal import ArgumentParser
internal import Glibc
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

struct CatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat", abstract: "Write a blob's content to standard output, each byte verified.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    @Argument(help: "The SHA-256 of the content.")
    var hash: HashArgument

    func validate() throws {
        guard !store.json else {
            throw ValidationError("cat writes the content alone, no document: 'get -o FILE --json' does both.")
        }
    }

    func run() throws {
        let output = try OwnedDescriptor(copying: STDOUT_FILENO)
        try ContentWriter.write(hash.id, of: store.open(unlocking), to: output, name: "standard output")
    }
}

struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Write a blob's content to a file, which is complete or not there at all.",
        discussion: """
            A link is followed; a file that is replaced keeps its permissions. What is no regular file, such as a FIFO or a \
            device, is written to as it is.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    @Argument(help: "The SHA-256 of the content.")
    var hash: HashArgument

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The file to write; replaced if it exists. '-' for standard output.", valueName: "file"))
    var output: PathArgument

    private struct Outcome: Encodable {
        let sha256: String
        let file: String
    }

    func validate() throws { try output.refuseStandardOutput(beside: store.json) }

    func run() throws {
        let target = try OutputTarget(output)
        let opened = try store.open(unlocking)
        try target.write(permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite]) { file in
            let name = output.isStandardStream ? "standard output" : output.path.string
            try ContentWriter.write(hash.id, of: opened, to: file, name: name)
        }
        if store.json { try Terminal.sayJSON(Outcome(sha256: hash.id.hex, file: output.path.string)) }
    }
}

/// A SHA-256 as an argument.
struct HashArgument: ExpressibleByArgument {
    let id: ContentID

    init?(argument: String) {
        guard let id = ContentID(hex: argument.lowercased()) else { return nil }
        self.id = id
    }
}

/// Copies a blob's content to an open file.
enum ContentWriter {
    static func write(_ id: ContentID, of store: Store, to file: OwnedDescriptor, name: String) throws {
        let progress = Progress("reading")
        defer { progress.finish() }
        try store.forEachPiece(of: id) { piece in
            try write(piece, to: file, name: name)
            progress.add(piece.count)
        }
    }

    static func write(_ piece: UnsafeRawBufferPointer, to file: OwnedDescriptor, name: String) throws {
        do {
            try SystemCalls.write(file, piece)
        } catch {
            throw ExitStatus.failure(of: error, writing: name)
        }
    }
}
