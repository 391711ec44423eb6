internal import Glibc
internal import Primitives

/// How a tree is mounted: who owns the files, who may see them, and what `mount` lists as the source.
public struct MountOptions: Sendable, Equatable {
    /// The owner of every file; the process's user unless `uid=` says otherwise.
    public var user: UInt32
    /// The group of every file; the process's group unless `gid=` says otherwise.
    public var group: UInt32
    /// Permission bits taken away from 0444 of files and 0555 of programs and directories; 0 unless `umask=` says so.
    public var umask: UInt32 = 0
    /// Whether users other than the mounting one may see the mount.
    public var allowOther = false
    /// Whether root may see an ordinary user's mount.
    public var allowRoot = false
    /// Whether programs on the mount may not be run.
    public var forbidsPrograms = false
    /// Whether the mount may cover a directory that has entries.
    public var allowsNonEmpty = false
    /// What `mount` and `df` show as the source; the data root where it is nil.
    public var source: String?
    /// Whether libfuse writes each request to standard error.
    public var debug = false
    /// Options that are the tree's business, by name.
    public private(set) var treeOptions: [String: String] = [:]
    private var treeOptionNames: [String] = []

    /// The options of a plain mount by this process.
    public init() {
        user = getuid()
        group = getgid()
    }

    /// Reads the lists that follow `-o`, in order; a later option wins.
    ///
    /// A comma within a value is written `\,` and a backslash `\\`. What mount(8) and fstab(5) add for their own ends is
    /// accepted and ignored.
    ///
    /// - Parameter treeOptionNames: options with a value that are taken as they are, for the tree.
    /// - Throws: `usage` for `rw`, a malformed value and whatever is unknown.
    public init(parsing lists: [String], treeOptionNames: [String] = []) throws {
        self.init()
        self.treeOptionNames = treeOptionNames
        for list in lists {
            for option in OptionList.split(list) { try apply(option) }
        }
        if allowOther && allowRoot {
            throw OsnovaError(.usage, "mount options allow_other and allow_root exclude each other: choose one")
        }
    }

    private mutating func apply(_ option: String) throws {
        let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts.first ?? "")
        if parts.count == 2 {
            try set(name, to: String(parts[1]))
        } else {
            try apply(flag: name)
        }
    }

    private mutating func apply(flag: String) throws {
        switch flag {
        case "allow_other": allowOther = true
        case "allow_root": allowRoot = true
        case "noexec": forbidsPrograms = true
        case "exec": forbidsPrograms = false
        case "nonempty": allowsNonEmpty = true
        case "debug": debug = true
        case "rw": throw OsnovaError(.usage, "mount option rw: an osnovafs mount is read-only; leave the option out")
        default: if !OptionList.isIgnored(flag) { throw unknown(flag) }
        }
    }

    private mutating func set(_ name: String, to value: String) throws {
        switch name {
        case "uid": user = try Self.number(value, radix: 10, largest: UInt32.max - 1, of: name)
        case "gid": group = try Self.number(value, radix: 10, largest: UInt32.max - 1, of: name)
        case "umask": umask = try Self.number(value, radix: 8, largest: 0o777, of: name)
        case "fsname": source = value
        case _ where treeOptionNames.contains(name): treeOptions[name] = value
        default: if !OptionList.isIgnored(name) { throw unknown(name) }
        }
    }

    private static func number(_ text: String, radix: Int, largest: UInt32, of name: String) throws -> UInt32 {
        let isPlain = text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        guard isPlain, let number = UInt32(text, radix: radix), number <= largest else {
            let kind = radix == 8 ? "an octal number such as 022" : "a number"
            throw OsnovaError(.usage, "mount option \(name)=\(text): the value must be \(kind)")
        }
        return number
    }

    private func unknown(_ name: String) -> OsnovaError {
        let own = treeOptionNames.map { "\($0)=, " }.joined()
        return OsnovaError(
            .usage,
            "mount option \(name) is not known: use uid=, gid=, umask=, allow_other, allow_root, noexec, nonempty, "
                + "\(own)fsname= or debug")
    }
}

/// The syntax of comma lists, and the options that mean nothing to this driver.
enum OptionList {
    private static let ignored: Set<String> = [
        "", "ro", "defaults", "auto", "noauto", "user", "users", "nouser", "owner", "group", "_netdev", "nofail",
        "dev", "nodev", "suid", "nosuid", "relatime", "norelatime", "noatime", "atime", "diratime", "nodiratime",
        "strictatime", "nostrictatime", "lazytime", "nolazytime", "sync", "async", "dirsync", "default_permissions",
        "subtype", "comment",
    ]

    static func isIgnored(_ name: String) -> Bool {
        ignored.contains(name) || name.hasPrefix("x-")
    }

    /// The options of a list, without their escapes.
    static func split(_ list: String) -> [String] {
        var options = [""]
        var isEscaped = false
        for character in list.unicodeScalars {
            if isEscaped {
                options[options.count - 1].unicodeScalars.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "," {
                options.append("")
            } else {
                options[options.count - 1].unicodeScalars.append(character)
            }
        }
        return options
    }

    /// A value as it stands in a list.
    static func escape(_ value: String) -> String {
        var escaped = ""
        for character in value.unicodeScalars {
            if character == "," || character == "\\" { escaped.unicodeScalars.append("\\") }
            escaped.unicodeScalars.append(character)
        }
        return escaped
    }
}
