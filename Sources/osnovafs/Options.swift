internal import ArgumentParser
internal import Foundation
internal import OsnovaStorage
internal import SystemPackage

/// Which data root, and how results are written: options of every command.
struct StoreOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The data root.", valueName: "dir"))
    var dataRoot: PathArgument?

    @Flag(help: "Write one JSON document to standard output.")
    var json = false

    var root: DataRoot {
        get throws {
            try DataRoot.resolve(dataRoot?.path.string, environment: ProcessInfo.processInfo.environment)
        }
    }

    /// Opens the store for work that touches no content.
    func open() throws -> Store {
        try Store.open(at: root, keys: nil)
    }

    /// Opens the store with its keys.
    func open(_ unlocking: UnlockingOptions) throws -> Store {
        let root = try root
        return try Store.open(at: root, keys: unlocking.keys(of: root))
    }
}
