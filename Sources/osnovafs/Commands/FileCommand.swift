internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

struct FileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "file", abstract: "List, show, rename and remove the names of uploaded files.",
        discussion:
            "'osnovafs put' uploads; these are the names under /files. Contents stay stored until nothing refers to them.",
        subcommands: [List.self, Show.self, Rename.self, Remove.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List a directory by name.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var page: PageOptions

        @Argument(help: "A directory below /files; all of it by default.")
        var directory: PathArgument?

        func run() throws {
            let catalog = try store.open().catalog
            let path = directory.map { UploadPath(of: $0.path).components } ?? []
            try page.say(json: store.json, as: FileDocument.init) { cursor, limit in
                try catalog.read { try $0.uploadedFiles(in: path, after: cursor, limit: limit) }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show what lies under a name.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "A path below /files.")
        var path: PathArgument

        func run() throws {
            let components = UploadPath(of: path.path).components
            guard let found = try store.open().catalog.read({ try $0.uploadedFile(at: components) }) else {
                throw OsnovaError(.notFound, "there is no file files/\(Table.printable(path.path.string))")
            }
            try RowDocument.say(FileDocument(found), json: store.json)
        }
    }

    struct Rename: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rename", abstract: "Give a file or directory another path; a live mount shows it at once.")

        @OptionGroup var store: StoreOptions

        @Argument(help: "A path below /files.")
        var path: PathArgument

        @Argument(help: "The new path.")
        var newPath: PathArgument

        func run() throws {
            let target = UploadPath(of: newPath.path).components
            let found = try store.open().catalog.write { writing in
                try writing.renameFile(at: UploadPath(of: path.path).components, to: target)
                return try writing.reading.uploadedFile(at: target)
            }
            let renamed = found.map(FileDocument.init)
            if store.json { return try Terminal.sayJSON(renamed) }
            Terminal.say("renamed to \(Table.printable(renamed?.path ?? newPath.path.string))")
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove a name.")

        @OptionGroup var store: StoreOptions

        @Flag(name: .shortAndLong, help: "Remove directories with all they hold.")
        var recursive = false

        @Argument(help: "A path below /files.")
        var path: PathArgument

        func run() throws {
            let components = UploadPath(of: path.path).components
            guard !components.isEmpty else { throw OsnovaError(.usage, "name a file below /files") }
            guard try store.open().remove({ try $0.removeFile(at: components, recursive: recursive) }) else {
                throw OsnovaError(.notFound, "there is no file files/\(Table.printable(path.path.string))")
            }
            try Removal.say("file", path.path.string, json: store.json)
        }
    }
}

struct FileDocument: ListedDocument {
    let path: String
    let kind: String
    let sha256: String?
    let size: Int64
    let modifiedAt: Int64

    init(_ file: UploadedFile) {
        path = file.path.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
        kind = file.kind.rawValue
        sha256 = file.content?.hex
        size = file.size
        modifiedAt = file.modified / 1_000_000_000
    }

    static let header = ["SHA-256", "SIZE", "MODIFIED", "PATH"]
    var cells: [String] { [sha256 ?? kind, "\(size)", Table.time(modifiedAt), path] }
}
