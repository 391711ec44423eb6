internal import Primitives
internal import Synchronization
internal import SystemPackage
internal import Tree

/// Whether the database that a mount serves is still the file at its path.
///
/// A connection to a file that was replaced or removed goes on answering, from a store that nobody sees any more. So
/// requests fail until the file is back; a disk that went away is met here as well.
final class DatabaseWatch: Sendable {
    private let path: String
    private let original: SystemCalls.Status
    private let isThere = Atomic(true)

    /// Notes which file it is now.
    init(path: String) throws {
        self.path = path
        do {
            original = try Self.status(of: path)
        } catch {
            throw error.failure("looking at \(path)", kind: .inputOutput)
        }
    }

    /// Lets a request pass while the database is in place.
    ///
    /// - Throws: `inputOutput` while it is not.
    func check() throws {
        guard isInPlace else { throw failure }
    }

    /// Lets work pass that changes what lies beside the database: it looks at the file itself.
    func checkNow() throws {
        guard isOriginal else { throw failure }
    }

    private var failure: OsnovaError {
        OsnovaError(.inputOutput, "\(path) was replaced or removed under the mount: unmount, and mount again")
    }

    var isInPlace: Bool { isThere.load(ordering: .relaxed) }

    /// Looks at the file; true where it came or went since the last look.
    func look() -> Bool {
        let isOriginal = isOriginal
        return isThere.exchange(isOriginal, ordering: .relaxed) != isOriginal
    }

    private var isOriginal: Bool {
        let now = try? Self.status(of: path)
        return now?.inode == original.inode && now?.device == original.device
    }

    /// What the kernel has to forget when the database came or went: every name in the root, and all below it.
    static let everyRootEntry: [TreeChange] = {
        let root = FixedNode.root.inode.number
        let names =
            FixedNode.allCases.filter { $0 != .root }.map(\.name) + GeneratedFile.allCases.map(\.fileName)
            + ["identity", "logs"]
        return names.map { .added(directory: root, name: Array($0.utf8)) }
    }()

    private static func status(of path: String) throws(Errno) -> SystemCalls.Status {
        // Not by opening it: with any descriptor of a file that is closed, SQLite's locks on it would go.
        try SystemCalls.status(at: nil, path)
    }
}
