internal import ArgumentParser
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

/// Where a backup is: a directory as an argument, or any place behind `--to`.
struct BackupPlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Another machine (host:path, ssh://host:port/path), or a directory.", valueName: "place"))
    var to: BackupPlaceArgument?

    @Argument(help: "A directory: empty, not there yet, or an earlier backup of this store.")
    var dest: PathArgument?

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

    /// Nil for another machine and for a stream.
    var directory: String? {
        get throws {
            guard try isGiven, !isStream else { return nil }
            if let dest { return dest.path.string }
            return if case .directory(let path)? = to?.place { path } else { nil }
        }
    }

    /// Nil for a directory and for a stream.
    var remote: RemotePlace? {
        if case .remote(let place)? = to?.place { place } else { nil }
    }

    /// What to do where this program cannot read back.
    var verifyThere: String {
        "--verify cannot read on another machine: run 'sha256sum -c checksums/*' in the backup there, or restore it "
            + "to another --data-root."
    }
}

/// A directory here or on another machine as an argument.
struct BackupPlaceArgument: ExpressibleByArgument {
    enum Place {
        case directory(String)
        case remote(RemotePlace)
    }

    let place: Place

    init?(argument: String) {
        do {
            if let remote = try RemotePlace(argument) {
                place = .remote(remote)
            } else if let path = PathArgument(argument: argument) {
                place = .directory(path.path.string)
            } else {
                return nil
            }
        } catch {
            return nil
        }
    }
}
