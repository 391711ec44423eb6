internal import Catalog
internal import Primitives
internal import Tree

/// What the mount shows beside the catalog: files of the data root as they are, and files that the driver makes up.
///
/// Used by one thread.
struct ViewEntries {
    private let catalog: CatalogReader
    private let host: HostFiles
    private let folders: ComponentFolders
    private let generated: GeneratedFiles

    typealias Visitor = (UnsafeRawBufferPointer, Attributes, UInt64) -> Bool

    /// Entries of the root come before its nodes; a place in a listing, once given, stays theirs.
    private static let hostEntries: [(cookie: UInt64, name: [UInt8])] = [
        (8, Array("identity".utf8)), (9, Array("logs".utf8)),
    ]
    private static let generatedEntries: [(cookie: UInt64, file: GeneratedFile)] = [
        (10, .database), (11, .checksums), (12, .stamp),
    ]
    /// Places of files of the data root in a directory of the catalog's: after all nodes, by number.
    private static let hostCookie: UInt64 = 1 << 62
    private static let components = Array("components".utf8)

    init(catalog: CatalogReader, host: HostFiles, folders: ComponentFolders, generated: GeneratedFiles) {
        self.catalog = catalog
        self.host = host
        self.folders = folders
        self.generated = generated
    }

    // MARK: Names

    /// A name that the catalog does not have in one of its directories.
    func lookup(_ name: UnsafeRawBufferPointer, inNode node: Int64) throws -> Attributes? {
        switch FixedNode(rawValue: node) {
        case .root:
            if let entry = Self.hostEntries.first(where: { name.elementsEqual($0.name) }) {
                return try host.lookup([entry.name])
            }
            let files: [GeneratedFile] = [.database, .checksums, .stamp, .directory]
            return try lookup(name, among: files)
        case .blobs: return try lookup(name, among: [.blobChecksums])
        case .components:
            return try folders.modified(Array(name)) == nil ? nil : try host.lookup([Self.components, Array(name)])
        case nil:
            if let path = try catalog.hostedDirectory(ofNode: node) {
                return try host.lookup(path.split(separator: UInt8(ascii: "/")).map { Array($0) } + [Array(name)])
            }
            guard Self.isVersion(name), let component = try catalog.componentName(ofNode: node) else { return nil }
            let found = try host.lookup([Self.components, component, Array(name)])
            return found?.kind == .directory ? found : nil
        default: return nil
        }
    }

    /// A name in the directory of generated files.
    func lookup(_ name: UnsafeRawBufferPointer, inGenerated directory: Int64) throws -> Attributes? {
        guard directory == GeneratedFile.directory.rawValue else { return nil }
        return try lookup(name, among: [.statistics, .metrics])
    }

    private func lookup(_ name: UnsafeRawBufferPointer, among files: [GeneratedFile]) throws -> Attributes? {
        try files.first { name.elementsEqual($0.fileName.utf8) }.map { try generated.lookup($0) }
    }

    /// `v<major>.<minor>`.
    static func isVersion(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count >= 4, name[0] == UInt8(ascii: "v") else { return false }
        let parts = name.dropFirst().split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(digits.contains) }
    }

    /// The time of a directory that also shows files of the data root: when its entries of either kind last changed.
    func adjust(_ attributes: Attributes) throws -> Attributes {
        guard folders.hasAny, attributes.kind == .directory, case .node(let node)? = Inode(number: attributes.inode)
        else {
            return attributes
        }
        let time: Int64?
        if node == FixedNode.components.rawValue {
            time = try folders.rootModified()
        } else {
            time = try catalog.componentName(ofNode: node).flatMap { try folders.modified($0) }
        }
        guard let time else { return attributes }
        var adjusted = attributes
        adjusted.modified = max(attributes.modified, time)
        adjusted.changed = max(attributes.changed, time)
        return adjusted
    }

    // MARK: Listings

    /// The entries of a catalog directory, and around them those that the catalog does not have.
    func list(node: Int64, after cookie: UInt64, _ visit: Visitor) throws {
        var goesOn = true
        if node == FixedNode.root.rawValue { goesOn = try listRoot(after: cookie, visit) }
        guard goesOn else { return }
        if cookie < Self.hostCookie {
            try catalog.list(node, after: cookie) { name, attributes, cookie in
                // A listing that cannot tell an entry's time tells its row's.
                goesOn = visit(name, (try? adjust(attributes)) ?? attributes, cookie)
                return goesOn
            }
        }
        guard goesOn else { return }
        let last = cookie < Self.hostCookie ? 0 : Int64(cookie & (Self.hostCookie - 1))
        if FixedNode(rawValue: node) == nil, let path = try catalog.hostedDirectory(ofNode: node) {
            return try listHosted(path, beside: node, after: last, visit)
        }
        guard folders.hasAny else { return }
        if node == FixedNode.components.rawValue {
            try listStrangers(after: last, visit)
        } else if let component = try catalog.componentName(ofNode: node), try folders.modified(component) != nil {
            try listVersions(of: component, after: last, visit)
        }
    }

    private func listRoot(after cookie: UInt64, _ visit: Visitor) throws -> Bool {
        for entry in Self.hostEntries where entry.cookie > cookie {
            guard let found = try host.lookup([entry.name]) else { continue }
            guard entry.name.withUnsafeBytes({ visit($0, found, entry.cookie) }) else { return false }
        }
        for entry in Self.generatedEntries where entry.cookie > cookie {
            var name = entry.file.fileName
            let goesOn = name.withUTF8 {
                visit(UnsafeRawBufferPointer($0), GeneratedFiles.outline(entry.file), entry.cookie)
            }
            guard goesOn else { return false }
        }
        return true
    }

    /// Directories of components that the catalog does not know.
    private func listStrangers(after last: Int64, _ visit: Visitor) throws {
        var found: [(number: Int64, name: [UInt8], attributes: Attributes)] = []
        for name in try folders.names() where try catalog.componentNode(named: name) == nil {
            guard let attributes = try host.lookup([Self.components, name]),
                case .host(let number)? = Inode(number: attributes.inode), number > last
            else { continue }
            found.append((number, name, attributes))
        }
        for entry in found.sorted(by: { $0.number < $1.number }) {
            let cookie = Self.hostCookie | UInt64(entry.number)
            guard entry.name.withUnsafeBytes({ visit($0, entry.attributes, cookie) }) else { return }
        }
    }

    private func listVersions(of component: [UInt8], after last: Int64, _ visit: Visitor) throws {
        guard let directory = try host.lookup([Self.components, component]),
            case .host(let number)? = Inode(number: directory.inode)
        else { return }
        try host.list(number, after: last) { name, attributes, number in
            guard Self.isVersion(name), attributes.kind == .directory else { return true }
            return visit(name, attributes, Self.hostCookie | UInt64(number))
        }
    }

    /// What lies in a directory of the data root and has no node of the same name.
    private func listHosted(_ path: [UInt8], beside node: Int64, after last: Int64, _ visit: Visitor) throws {
        let names = path.split(separator: UInt8(ascii: "/")).map { Array($0) }
        guard let directory = try host.lookup(names), case .host(let number)? = Inode(number: directory.inode) else {
            return
        }
        try host.list(number, after: last) { name, attributes, number in
            guard try catalog.lookup(name, in: node) == nil else { return true }
            return visit(name, attributes, Self.hostCookie | UInt64(number))
        }
    }

    func listGenerated(after cookie: UInt64, _ visit: Visitor) {
        for (index, file) in [GeneratedFile.statistics, .metrics].enumerated() where UInt64(index) >= cookie {
            var name = file.fileName
            let goesOn = name.withUTF8 {
                visit(UnsafeRawBufferPointer($0), GeneratedFiles.outline(file), UInt64(index) + 1)
            }
            if !goesOn { return }
        }
    }
}
