internal import ArgumentParser
internal import Glibc
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
            if let dataRoot { return try DataRoot.resolve(dataRoot.path.text, environment: [:]) }
            for name in Self.variables {
                guard let value = getenv(name), value.pointee != 0 else { continue }
                return try DataRoot.resolve(nil, environment: [name: FilePath(platformString: value).text])
            }
            return try DataRoot.resolve(nil, environment: [:])
        }
    }

    /// Those that name a data root, the first that is set before the others.
    private static let variables = ["OSNOVA_DATA_ROOT", "XDG_DATA_HOME", "HOME"]

    /// Opens the store for work that touches no content.
    func open() throws -> Store {
        try Store.open(at: root, keys: nil, willCopy: UnfinishedWork.removeOnSignals)
    }

    /// Opens the store with its keys.
    func open(_ unlocking: UnlockingOptions) throws -> Store {
        let root = try root
        return try Store.open(
            at: root, keys: unlocking.keys(of: root), willCopy: UnfinishedWork.removeOnSignals)
    }
}
