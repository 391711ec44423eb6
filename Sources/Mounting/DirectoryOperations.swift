internal import CFuse
internal import Glibc
internal import Primitives
internal import Tree

func readDirectory(
    _ request: fuse_req_t?, _ number: fuse_ino_t, _ size: Int, _ offset: off_t,
    _: UnsafeMutablePointer<fuse_file_info>?
) {
    listDirectory(request, number, size, offset, withAttributes: false)
}

func readDirectoryWithAttributes(
    _ request: fuse_req_t?, _ number: fuse_ino_t, _ size: Int, _ offset: off_t,
    _: UnsafeMutablePointer<fuse_file_info>?
) {
    listDirectory(request, number, size, offset, withAttributes: true)
}

private func listDirectory(
    _ request: fuse_req_t?, _ number: fuse_ino_t, _ size: Int, _ offset: off_t, withAttributes: Bool
) {
    answer(request, about: number, as: .readdir) { context, directory in
        guard let request, let position = UInt64(exactly: offset), size >= 0 else { return .error(EINVAL) }
        context.place.enter(number)
        let advice = context.advice
        let isDescribed = withAttributes && advice.describes(number, from: position)
        var page = DirectoryPage(
            request, context, size: size, withAttributes: withAttributes, isDescribed: isDescribed)
        try page.fill(directory, from: position)
        advice.listed(page.entries, of: number)
        return page.bytes.map { .bytes($0) } ?? .error(EINVAL)
    }
}

/// One reply to a directory listing: entries one after another until the next does not fit.
private struct DirectoryPage {
    /// The driver's own entries `.` and `..` have the cookies 1 and 2; the tree's cookies follow, shifted by so much.
    private static let ownEntries: UInt64 = 2

    private let request: fuse_req_t
    private let context: ThreadContext
    private let memory: UnsafeMutableRawBufferPointer
    /// Whether the kernel wants entries with room for attributes, and whether they are filled in.
    private let withAttributes: Bool
    private let isDescribed: Bool
    private var used = 0
    private(set) var entries = 0
    private var isFull = false
    private var hasUnfitEntry = false

    init(_ request: fuse_req_t, _ context: ThreadContext, size: Int, withAttributes: Bool, isDescribed: Bool) {
        self.request = request
        self.context = context
        memory = UnsafeMutableRawBufferPointer(rebasing: context.scratch.bytes.prefix(size))
        self.withAttributes = withAttributes
        self.isDescribed = isDescribed
    }

    /// The page; nil where not even one entry fitted, because an empty page would mean the end of the directory.
    var bytes: UnsafeRawBufferPointer? {
        isFull && used == 0 ? nil : UnsafeRawBufferPointer(rebasing: memory.prefix(used))
    }

    mutating func fill(_ directory: Inode, from position: UInt64) throws {
        addOwnEntries(of: directory, from: position)
        guard !isFull else { return }
        let cookie = position < Self.ownEntries ? 0 : position - Self.ownEntries
        try context.worker.list(directory, after: cookie) { name, attributes, cookie in
            add(name, attributes, cookie)
        }
        if hasUnfitEntry {
            let error = OsnovaError(.damaged, "a directory has an entry with an unfit name or cookie; it is not listed")
            context.tree.report(error, inode: directory.number)
        }
    }

    /// The kernel knows the way up by itself and shows the numbers of these entries to hardly anyone, so both have the
    /// directory's own.
    private mutating func addOwnEntries(of directory: Inode, from position: UInt64) {
        var entry = fuse_entry_param()
        entry.attr.st_ino = ino_t(directory.number)
        entry.attr.st_mode = S_IFDIR
        if position < 1 { append(".", &entry, 1) }
        if position < 2, !isFull { append("..", &entry, 2) }
    }

    /// Adds an entry of the tree's; false when the page is full.
    private mutating func add(_ name: UnsafeRawBufferPointer, _ attributes: Attributes, _ cookie: UInt64) -> Bool {
        let (shifted, overflows) = cookie.addingReportingOverflow(Self.ownEntries)
        guard !overflows, let position = off_t(exactly: shifted), let name = context.keepName(name) else {
            hasUnfitEntry = true
            return true
        }
        var entry = context.translation.entry(attributes)
        // To the kernel an entry without an inode is a name and a number alone; it looks the rest up when it needs it.
        if attributes.isOutline || !isDescribed { entry.ino = 0 }
        append(name, &entry, position)
        return !isFull
    }

    private mutating func append(_ name: UnsafePointer<CChar>, _ entry: inout fuse_entry_param, _ position: off_t) {
        let room = memory.count - used
        let place = memory.baseAddress?.advanced(by: used).assumingMemoryBound(to: CChar.self)
        let size =
            withAttributes
            ? fuse_add_direntry_plus(request, place, room, name, &entry, position)
            : fuse_add_direntry(request, place, room, name, &entry.attr, position)
        if size > room {
            isFull = true
        } else {
            used += size
            entries += 1
        }
    }
}
