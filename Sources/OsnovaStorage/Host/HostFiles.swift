internal import Catalog
internal import Glibc
internal import Primitives
internal import SystemPackage
internal import Tree

/// What lies in the data root beside the catalog, shown as it is: `identity/`, `logs/` and the components' own files.
///
/// A file is found by the path of its number in the book, from the data root on, and must still be the file that got the
/// number. Others change these files at any time, so the kernel may keep nothing of them. Used by one thread.
final class HostFiles {
    private let root: BeneathDirectory
    private let books: CurrentNumberBook
    private let openFiles: HostOpenFiles
    private let reads: HostReads

    /// Names that are numbered in one transaction.
    private static let batch = 4096

    init(root: BeneathDirectory, books: CurrentNumberBook, openFiles: HostOpenFiles, reads: HostReads) {
        self.root = root
        self.books = books
        self.openFiles = openFiles
        self.reads = reads
    }

    // MARK: Names

    /// The attributes of a name in a numbered directory, 0 for the data root; nil where there is nothing to show.
    func lookup(_ name: UnsafeRawBufferPointer, in directory: Int64) throws -> Attributes? {
        try books.use { book in
            guard let path = try Self.path(of: directory, in: book),
                let look = try Self.ifThere({ try root.look(at: Self.join(path, name)) }), Self.isShown(look)
            else { return nil }
            return shown(try book.number(of: name, in: directory, identity: .init(look)), look)
        }
    }

    /// The attributes at the end of some names from the data root on; nil where there is nothing to show.
    func lookup(_ names: [[UInt8]]) throws -> Attributes? {
        var found: Attributes?
        var directory: Int64 = 0
        for name in names {
            found = try name.withUnsafeBytes { try lookup($0, in: directory) }
            guard case .host(let number)? = found.flatMap({ Inode(number: $0.inode) }) else { return nil }
            directory = number
        }
        return found
    }

    func attributes(of number: Int64) throws -> Attributes? {
        let named = try books.use { book -> Attributes? in
            guard let entry = try book.entry(number), let path = try Self.path(of: number, in: book),
                let look = try Self.ifThere({ try root.look(at: path) }), entry.identity.isSame(as: .init(look))
            else { return nil }
            return shown(.init(number: number, changed: entry.changed(.init(look))), look)
        }
        if let named { return named }
        guard let held = openFiles.find(number), let look = try? BeneathDirectory.look(at: held) else { return nil }
        return shown(.init(number: number, changed: look.changed), look)
    }

    func target(of number: Int64) throws -> [UInt8]? {
        guard let path = try books.use({ try Self.path(of: number, in: $0) }) else { return nil }
        return try Self.ifThere { try root.target(at: path) }
    }

    // MARK: Listing

    /// Calls `visit` with the entries whose number follows `after`, until it returns false.
    ///
    /// The order is that of the numbers, which stay, so what comes or goes meanwhile neither doubles nor hides others.
    func list(
        _ directory: Int64, after: Int64, _ visit: (UnsafeRawBufferPointer, Attributes, Int64) throws -> Bool
    ) throws {
        do {
            try list(directory, after: after, numberedBy: books.current(), visit)
        } catch let error as OsnovaError where error.kind == .damaged {
            // Entries may be given out already: the next listing has the new numbers.
            try books.mend()
            throw error
        }
    }

    private func list(
        _ directory: Int64, after: Int64, numberedBy book: NumberBook,
        _ visit: (UnsafeRawBufferPointer, Attributes, Int64) throws -> Bool
    ) throws {
        guard let path = try Self.path(of: directory, in: book),
            let opened = try Self.ifThere({ try root.directory(at: path) })
        else {
            throw OsnovaError(.notFound, "that directory is gone")
        }
        if let look = try Self.ifThere({ try opened.look() }) { reads.note(.host(directory), changed: look.changed) }
        if after == 0 { try books.withRoom { try Self.number(entriesOf: directory, opened, in: book) } }
        var last = after
        var gone: [(number: Int64, name: [UInt8])] = []
        defer { if !gone.isEmpty { Self.strike(gone, of: opened, in: book) } }
        while true {
            let names = try book.names(in: directory, after: last, limit: Self.batch)
            for (number, name) in names {
                last = number
                let goesOn = try name.withUnsafeBytes { name in
                    guard let look = try Self.ifThere({ try opened.look(atName: name) }) else {
                        gone.append((number, Array(name)))
                        return true
                    }
                    guard Self.isShown(look) else { return true }
                    let numbered = try book.number(of: name, in: directory, identity: .init(look))
                    // Another number is another file: its place in the listing is behind all those of now.
                    return try numbered.number != number || visit(name, shown(numbered, look), number)
                }
                if !goesOn { return }
            }
            // A file that was replaced just now has a number behind these.
            if names.isEmpty { return }
        }
    }

    /// Strikes out the numbers of names that are still gone at the end of a listing, which is right without it.
    private static func strike(
        _ gone: [(number: Int64, name: [UInt8])], of directory: BeneathDirectory, in book: NumberBook
    ) {
        let numbers = gone.filter { _, name in
            // What was moved away and back meanwhile has its number still.
            (try? name.withUnsafeBytes { name in try ifThere { try directory.look(atName: name) } == nil }) == true
        }
        try? book.strike(numbers.map(\.number))
    }

    /// Gives every name of a directory its number; not again for one that has not changed since.
    private static func number(
        entriesOf directory: Int64, _ opened: BeneathDirectory, in book: NumberBook
    ) throws {
        // Not the time of modification, which any program can set back.
        let changed = try ifThere({ try opened.look() })?.changed ?? 0
        if let listed = try book.entry(directory)?.listed, listed == changed { return }
        var waiting: [(name: [UInt8], identity: NumberBook.Identity)] = []
        try opened.scan { name in
            guard let look = try ifThere({ try opened.look(atName: name) }), isShown(look) else { return true }
            waiting.append((Array(name), .init(look)))
            if waiting.count >= batch {
                try book.number(waiting, in: directory)
                waiting.removeAll(keepingCapacity: true)
            }
            return true
        }
        try book.number(waiting, in: directory)
        // A change within the same tick of the disk's clock would not show in the time: such a time is not relied on.
        let isSettled = changed < Clock.nanoseconds - 2_000_000_000
        if isSettled, directory != 0 { try book.setListed(directory, at: changed) }
    }

    // MARK: Content

    /// Reads into memory; the number of bytes, less at the end.
    func read(_ number: Int64, at offset: Int64, into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        let file = try open(number)
        do {
            reads.note(.host(number), changed: try BeneathDirectory.look(at: file).changed)
            return try SystemCalls.read(file, into: memory, at: offset)
        } catch {
            throw error.failure("reading a file of the data root", kind: .inputOutput)
        }
    }

    private func open(_ number: Int64) throws -> OwnedDescriptor {
        if let held = openFiles.find(number) { return held }
        let found = try books.use { try (path: Self.path(of: number, in: $0), entry: $0.entry(number)) }
        guard let path = found.path, let entry = found.entry,
            let opened = try Self.ifThere({ try root.file(at: path) }),
            entry.identity.isSame(as: .init(opened.look))
        else { throw OsnovaError(.notFound, "that file of the data root is gone") }
        openFiles.insert(opened.file, for: number, named: entry.name, in: entry.parent)
        return opened.file
    }

    // MARK: Numbers

    /// The path of a number from the data root on, `.` for the data root; nil where the number is struck out.
    private static func path(of number: Int64, in book: NumberBook) throws -> [UInt8]? {
        if number == 0 { return [UInt8(ascii: ".")] }
        var names: [[UInt8]] = []
        var next = number
        while next != 0 {
            // No path of the kernel's has more names; a book that was tampered with may have a circle.
            guard names.count < Int(PATH_MAX) / 2, let entry = try book.entry(next) else { return nil }
            names.append(entry.name)
            next = entry.parent
        }
        return Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
    }

    private static func join(_ path: [UInt8], _ name: UnsafeRawBufferPointer) -> [UInt8] {
        path + [UInt8(ascii: "/")] + Array(name)
    }
}

// MARK: - What is shown

extension HostFiles {
    /// Devices, FIFOs and sockets mean nothing in a mount and are left out.
    private static func isShown(_ look: BeneathDirectory.Look) -> Bool {
        [S_IFREG, S_IFDIR, S_IFLNK].contains(look.type)
    }

    private func shown(_ numbered: NumberBook.Numbered, _ look: BeneathDirectory.Look) -> Attributes {
        let attributes = Self.attributes(numbered, look)
        reads.compare(attributes.inode, changed: look.changed)
        return attributes
    }

    private static func attributes(_ numbered: NumberBook.Numbered, _ look: BeneathDirectory.Look) -> Attributes {
        let isProgram = look.mode & 0o111 != 0
        let kind: Attributes.Kind =
            switch look.type {
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            default: isProgram ? .program : .file
            }
        // The number is a name's, so each name is a file of its own.
        var attributes = Attributes(
            inode: .host(numbered.number), kind: kind, size: kind == .directory ? 0 : look.size,
            modified: look.modified, changed: numbered.changed)
        attributes.permissions = UInt32(look.mode & 0o777)
        attributes.lifetime = .unknown
        attributes.nameLifetime = .unknown
        return attributes
    }

    /// What a call tells of a file; nil where there is no such file to be shown.
    static func ifThere<Result>(_ call: () throws -> Result) throws -> Result? {
        do {
            return try call()
        } catch let error as Errno {
            switch error {
            case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels, .improperLink,
                .noSuchAddressOrDevice,
                .fileNameTooLong:
                return nil
            default: throw error.failure("looking at a file of the data root", kind: .inputOutput)
            }
        }
    }
}

extension NumberBook.Identity {
    init(_ look: BeneathDirectory.Look) {
        self.init(
            inode: look.inode, born: look.born, type: UInt32(look.type), size: look.size, modified: look.modified,
            changed: look.changed)
    }

    /// Whether both are the same file, whose content may have changed.
    func isSame(as other: NumberBook.Identity) -> Bool {
        inode == other.inode && born == other.born && type == other.type
    }
}
