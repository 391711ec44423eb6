internal import Catalog
internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage
internal import Tree

/// A state of the tree that stays while the store goes on.
public struct Snapshot: Sendable {
    /// The name below `.snapshots` in the mount.
    public let name: String
    /// Unix nanoseconds.
    public let created: Int64
}

/// Makes, lists and removes snapshots.
///
/// The rows of a snapshot are in the catalog; the files beside it, `osnova.db` among them, are copied into a directory of
/// `snapshots/` in the data root. The directory is complete before the rows are there, and goes after they are gone.
/// Used by one thread at a time.
public struct Snapshots {
    private let store: Store

    private var directory: String { "\(store.root.path)/snapshots" }

    /// Readies the snapshots of a store.
    public init(store: Store) {
        self.store = store
    }

    /// All snapshots, oldest first.
    public func list() throws -> [Snapshot] {
        try store.catalog.read { try $0.snapshots() }.map { Snapshot(name: $0.name, created: $0.created) }
    }

    /// Keeps the tree as it is now under a name; needs no key.
    ///
    /// - Throws: `usage` for what is no file name, `cannotCreate` for a name that is taken, `busy` while the store is being
    ///   restored, or while a rekey is under way, whose keys the snapshot's database would keep.
    public func create(_ name: String) throws -> Snapshot {
        guard !name.isEmpty, name.utf8.count <= FileName.longest, name != ".", name != "..",
            !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 < 0x20 || $0 == 0x7F })
        else { throw OsnovaError(.usage, "\"\(name)\" is no name for a snapshot: use a plain file name") }
        let rootLock = try store.lockAgainstRestoration()
        try removeStrayFolders()
        let folder = UUID().uuidString.lowercased()
        do {
            let lock = try makeFolder(folder)
            try withExtendedLifetime((rootLock, lock)) { try record(name, folder, copyFiles(to: folder)) }
        } catch {
            try? FileManager.default.removeItem(atPath: "\(directory)/\(folder)")
            throw error
        }
        guard let made = try list().last(where: { Self.isSame($0.name, name) }) else {
            throw OsnovaError(.busy, "the snapshot \(name) was removed while it was made")
        }
        return made
    }

    /// Removes a snapshot; its contents stay as long as anything else refers to them.
    ///
    /// - Throws: `notFound`.
    public func delete(_ name: String) throws {
        let wasThere = try store.remove { writing -> Bool in
            guard let record = try writing.reading.snapshots().first(where: { Self.isSame($0.name, name) }) else {
                return false
            }
            try writing.removeSnapshot(record)
            return true
        }
        guard wasThere else { throw OsnovaError(.notFound, "there is no snapshot \(name)") }
        // Not by the folder that the row names: anyone may have written `../..` there.
        try removeStrayFolders()
    }

    /// Names are bytes, as those of files are; strings that differ in Unicode normalisation only are equal to Swift.
    private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

    // MARK: Rows

    private func record(_ name: String, _ folder: String, _ components: Set<[UInt8]>) throws {
        let reader = try CatalogReader(path: store.root.database)
        let copies = try DatabaseCopy(path: store.root.database)
        while true {
            try store.catalog.settle()
            let isDone = try store.catalog.write { writing -> Bool in
                // Nobody else can write now, so what another connection reads is the state that is copied.
                guard try writing.reading.isSettled() else { return false }
                if try writing.reading.snapshots().contains(where: { Self.isSame($0.name, name) }) {
                    throw OsnovaError(.cannotCreate, "there is a snapshot \(name) already: choose another name")
                }
                // The copy would keep what lets the old key find the new one.
                guard try writing.reading.keyGenerations().rekey.isEmpty else {
                    throw OsnovaError(.busy, "a rekey is under way: make the snapshot when it is finished")
                }
                try copyDatabase(copies, to: folder)
                try writing.createSnapshot(name, folder: folder, components: components) { document, node in
                    guard let content = try reader.content(of: document, node: node),
                        let attributes = try reader.attributes(of: .document(document, node: node))
                    else { return nil }
                    return (content, attributes.modified)
                }
                return true
            }
            if isDone { return }
        }
    }

    private func copyDatabase(_ copies: DatabaseCopy, to folder: String) throws {
        let path = "\(directory)/\(folder)/osnova.db"
        do {
            let file = try SystemCalls.open(path, O_RDWR | O_CREAT | O_TRUNC, mode: 0o644)
            try copies.write(to: file, named: path)
            try SystemCalls.synchronize(file)
            try SystemCalls.synchronize(SystemCalls.open("\(directory)/\(folder)", O_RDONLY | O_DIRECTORY))
        } catch let error as Errno {
            throw error.failure("copying the database", kind: .cannotCreate)
        }
    }

    // MARK: Files

    /// Makes a directory for a snapshot, locked as long as it is not whole.
    private func makeFolder(_ folder: String) throws -> OwnedDescriptor {
        do {
            let root = try SystemCalls.open(store.root.path, O_RDONLY | O_DIRECTORY)
            try SystemCalls.makeDirectory(at: root, "snapshots")
            let all = try SystemCalls.open(at: root, "snapshots", O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            try SystemCalls.makeDirectory(at: all, folder)
            let own = try SystemCalls.open(at: all, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            _ = try SystemCalls.tryLock(own)
            try SystemCalls.makeDirectory(at: own, "components")
            return own
        } catch {
            throw error.failure("making \(directory)/\(folder)", kind: .cannotCreate)
        }
    }

    /// Copies what lies beside the catalog; the names of the components that have files of their own.
    private func copyFiles(to folder: String) throws -> Set<[UInt8]> {
        let target = DataRoot(path: "\(directory)/\(folder)")
        var failures: [String] = []
        let copy = try HostCopy(from: FilePath(store.root.path), to: target, keepingModes: true) { path, reason in
            // Sockets and the like are not shown either.
            if reason != HostCopy.noFile { failures.append("\(path): \(reason)") }
        }
        try copy.run()
        // Before the rows: a snapshot that is listed has its files, whatever becomes of the power.
        try store.root.synchronizeDisk()
        if let failure = failures.first { throw OsnovaError(.inputOutput, "copying \(failure)") }
        return Set(try DirectoryListing.names(in: FilePath("\(target.path)/components")))
    }

    /// Directories of snapshots that were removed, or never came to be: no other name, and nothing behind a link.
    func removeStrayFolders() throws {
        guard (try? SystemCalls.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)) != nil,
            let present = try? FileManager.default.contentsOfDirectory(atPath: directory)
        else { return }
        for name in present where UUID(uuidString: name)?.uuidString.lowercased() == name {
            // Looked at one by one: another process may just have made its snapshot whole.
            guard try !store.catalog.read({ try $0.snapshots() }).contains(where: { $0.folder == name }) else {
                continue
            }
            // One that is being made is locked by who makes it.
            let path = "\(directory)/\(name)"
            guard let folder = try? SystemCalls.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { continue }
            withExtendedLifetime(folder) {
                if (try? SystemCalls.tryLock(folder)) == true { try? FileManager.default.removeItem(atPath: path) }
            }
        }
    }
}
