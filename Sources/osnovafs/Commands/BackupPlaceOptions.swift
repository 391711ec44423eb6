internal import ArgumentParser
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

/// Where a backup is: a directory as an argument, or any place behind `--to`.
struct BackupPlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Another machine (host:path, ssh://host:port/path), or a directory.", valueName: "place"),
        transform: BackupPlaceArgument.init(parsing:))
    var to: BackupPlaceArgument?

    @Argument(help: "A directory: empty, not there yet, or an earlier backup of this store.")
    var dest: PathArgument?

    func validate() throws { try dest?.refusePlace(insteadOf: "--to") }

    /// Whether there is a place.
    ///
    /// - Throws: a usage error where there are two.
    var isGiven: Bool {
        get throws {
            guard to == nil || dest == nil else { throw ValidationError("Name a directory or --to, not both.") }
            return to != nil || dest != nil
        }
    }

    /// Whether the backup goes to standard output.
    var isStream: Bool { dest?.isStandardStream ?? false }

    /// Whether the backup is in a directory here.
    var isDirectory: Bool {
        get throws { try isGiven && !isStream && remote == nil }
    }

    /// Nil for another machine and for a stream.
    var directory: String? {
        get throws {
            guard try isDirectory else { return nil }
            if let dest { return try dest.path.text }
            return if case .directory(let path)? = to?.place { try path.text } else { nil }
        }
    }

    /// Nil for a directory and for a stream.
    var remote: RemotePlace? {
        if case .remote(let place)? = to?.place { place } else { nil }
    }

    /// What to do where this program cannot read back.
    static let verifyThere =
        "Nothing can be read back on another machine: run 'osnovafs backup verify' or 'sha256sum -c checksums/*' there, "
        + "or restore it to another --data-root."
}

/// A backup that is there: a directory as an argument, or any place behind `--to`.
struct EarlierBackupOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The backup on another machine (host:path), or in a directory.", valueName: "place"),
        transform: BackupPlaceArgument.init(parsing:))
    var to: BackupPlaceArgument?

    @Argument(help: "The backup: a directory.")
    var dest: PathArgument?

    func validate() throws {
        try dest?.refusePlace(insteadOf: "--to")
        guard (to == nil) != (dest == nil), dest?.isStandardStream != true else {
            throw ValidationError("Name the backup: a directory, or --to host:path.")
        }
    }

    /// Empty for another machine.
    var directory: String {
        get throws {
            if let dest { return try dest.path.text }
            return if case .directory(let path)? = to?.place { try path.text } else { "" }
        }
    }

    /// Nil for a directory.
    var remote: RemotePlace? {
        if case .remote(let place)? = to?.place { place } else { nil }
    }
}

/// A directory here or on another machine as an argument.
struct BackupPlaceArgument {
    enum Place {
        case directory(FilePath)
        case remote(RemotePlace)
    }

    let place: Place

    /// - Throws: a usage error that says how a place is written.
    init(parsing argument: String) throws {
        if let remote = try RemotePlace(asArgument: argument) {
            place = .remote(remote)
        } else if let path = PathArgument(argument: argument) {
            place = .directory(path.path)
        } else {
            throw ValidationError("A place has a name.")
        }
    }
}

extension PathArgument {
    /// Whoever leaves out an option must not get a directory here that is called as a place on another machine is.
    ///
    /// - Throws: a usage error that names the option.
    func refusePlace(insteadOf option: String) throws {
        try refusePlace { "'\($0)' is on another machine: write \(option) \($0), or ./\($0) for a directory here." }
    }

    /// - Throws: a usage error with the advice for a place on another machine.
    func refusePlace(advice: (RemotePlace) -> String) throws {
        if let place = try RemotePlace(asArgument: argument) { throw ValidationError(advice(place)) }
    }
}

extension RemotePlace {
    /// - Throws: a usage error for what looks like a place and is none.
    fileprivate init?(asArgument text: String) throws {
        do {
            try self.init((try? Arguments.text(text)) ?? text)
            _ = try Arguments.text(text)
        } catch let error as OsnovaError {
            throw ValidationError(error.message)
        }
    }
}
