internal import ArgumentParser
internal import Glibc
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Back the store up, sealed as it is.",
        usage: """
            osnovafs backup <dest> [--hard-links] [--verify]
            osnovafs backup --to <host:path>
            osnovafs backup - | …
            osnovafs backup --to-command <command>
            osnovafs backup list <dest>
            osnovafs backup verify <dest>
            osnovafs backup prune <dest> --keep-daily 7
            """,
        discussion: """
            Needs no phrase. Contents stay sealed; the database, logs and the components' own files are copied as they \
            are, so names, manifests and those files can be read by whoever has the backup.

            Each run makes a generation that shares what it can with the others; a run that was \
            killed leaves none, and the next one goes on with what it wrote. No blob is removed from the store \
            meanwhile. 'osnovafs help backup run' tells every option. A directory called 'list', 'verify' or 'prune' is ./list and so on.

            A place on another machine is host:path or ssh://host:port/path; it needs rsync 3.2.4 and sshd, and gets \
            only what it lacks. A stream (-, --to-command) is a tar archive of one whole generation, which \
            'osnovafs restore' takes back; unpacked, it is a backup in a directory.

            Where backup and store share a disk that can reflink (btrfs, xfs), sealed files take no room in the backup. \
            --hard-links does the same on any disk, but such a backup is no second copy: what the disk loses is \
            lost in both. It helps against deletion alone.
            """,
        subcommands: [Run.self, List.self, Verify.self, Prune.self], defaultSubcommand: Run.self)

    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Make a generation; the same as 'osnovafs backup <dest>'.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var place: BackupPlaceOptions

        @Option(
            help: ArgumentHelp("A shell command that reads a tar stream.", valueName: "command"),
            transform: Arguments.text)
        var toCommand: String?

        @Flag(help: "On one disk, name the store's sealed files instead of copying them.")
        var hardLinks = false

        @Flag(help: "Read everything back, compare it with its SHA-256, and copy anew what is damaged.")
        var verify = false

        func validate() throws {
            guard try place.isGiven != (toCommand != nil) else {
                throw ValidationError("Name one of a directory, --to, --to-command, or - for standard output.")
            }
            let isDirectory = try place.isDirectory
            guard isDirectory || !hardLinks else { throw ValidationError("--hard-links is for a directory.") }
            guard isDirectory || !verify else {
                let isStream = place.isStream || toCommand != nil
                throw ValidationError(isStream ? Self.noReadingBack : BackupPlaceOptions.verifyThere)
            }
            guard !place.isStream || !store.json else { throw ValidationError("- and --json both want stdout.") }
            guard !place.isStream || isatty(STDOUT_FILENO) == 0 else {
                throw ValidationError("A backup is not for a terminal: pipe it, or name a directory.")
            }
        }

        private static let noReadingBack = "--verify cannot read a stream back: restore it to another --data-root."

        private struct Unreadable: Encodable {
            let sha256: String
            let reason: String
        }

        private struct UnreadableFile: Encodable {
            let path: String
            let reason: String
        }

        private struct Outcome: Encodable {
            let generation: String
            let blobs: Int
            let writtenBytes: Int64
            let sharedBytes: Int64
            let missing: [String]
            /// What follows is left out where there is none.
            let unreadable: [Unreadable]?
            let unreadableFiles: [UnreadableFile]?
            let doubles: [String]?
            let damaged: [String]?
        }

        func run() throws {
            UnfinishedWork.removeOnSignals()
            let opened = try store.open()
            let progress = Progress("backing up")
            let report = try backUp(opened, progress)
            progress.finish()
            let damaged =
                try verify ? place.directory.map { try readBack($0, report.generation, healing: opened) } : nil
            try opened.close()
            try say(report, damaged)
            for damage in report.damaged {
                Terminal.complain("warning: \(damage); the new generation does not need it")
            }
            for hash in report.doubles {
                Terminal.complain(
                    "warning: the file of blob \(hash) is not the one that the backup had, and one of the two is damaged; "
                        + "both are kept: 'osnovafs verify' tells whether it is the store's")
            }
            let missing = Set(report.missing)
            for blob in report.unreadable {
                let outcome = missing.contains(blob.sha256) ? "is not in the backup" : "the earlier copy is kept"
                Terminal.complain("blob \(blob.sha256) cannot be read and \(outcome): \(blob.reason)")
            }
            for hash in report.missing where !report.unreadable.contains(where: { $0.sha256 == hash }) {
                Terminal.complain("blob \(hash) has no file and is not in the backup")
            }
            for file in report.unreadableFiles {
                let outcome = file.isKept ? "the earlier copy is kept" : "is not in the backup"
                Terminal.complain("\(file.path) cannot be read and \(outcome): \(file.reason)")
            }
            for finding in damaged ?? [] { Terminal.complain(finding) }
            guard report.missing.isEmpty, report.unreadable.isEmpty, report.unreadableFiles.isEmpty,
                damaged?.isEmpty ?? true
            else {
                throw ExitStatus(code: ExitStatus.code(for: .damaged))
            }
        }

        private func backUp(_ store: Store, _ progress: Progress) throws -> BackupReport {
            if let toCommand { return try BackupStream(store: store, onProgress: progress.add).run(command: toCommand) }
            if place.isStream {
                return try BackupStream(store: store, onProgress: progress.add).run(to: .standardOutput)
            }
            if let remote = place.remote {
                return try RemoteBackup(store: store, to: remote, onProgress: progress.add).run()
            }
            return try Backup(
                store: store, to: place.directory ?? "", sharing: hardLinks ? .hardLink : .reflink, comparesAll: verify,
                onProgress: progress.add
            ).run()
        }

        private func say(_ report: BackupReport, _ damaged: [String]?) throws {
            if store.json {
                let unreadable = report.unreadable.map { Unreadable(sha256: $0.sha256, reason: $0.reason) }
                let files = report.unreadableFiles.map { UnreadableFile(path: $0.path, reason: $0.reason) }
                return try Terminal.sayJSON(
                    Outcome(
                        generation: report.generation, blobs: report.blobs, writtenBytes: report.writtenBytes,
                        sharedBytes: report.sharedBytes, missing: report.missing,
                        unreadable: unreadable.isEmpty ? nil : unreadable,
                        unreadableFiles: files.isEmpty ? nil : files,
                        doubles: report.doubles.isEmpty ? nil : report.doubles, damaged: damaged))
            }
            let shared = report.sharedBytes > 0 ? ", \(ByteCount.text(report.sharedBytes)) shared with the store" : ""
            let line =
                "\(report.generation): \(report.blobs) blobs, \(ByteCount.text(report.writtenBytes)) written\(shared)"
            // Standard output is the backup.
            if place.isStream { Terminal.sayOnError(line) } else { Terminal.say(line) }
        }

        /// Reads a generation back, and once more where something was healed.
        private func readBack(_ path: String, _ generation: String, healing store: Store) throws -> [String] {
            let progress = Progress("reading back")
            defer { progress.finish() }
            func findings() throws -> [String] {
                try BackupGenerations(backup: path).verify(generation, onProgress: progress.add)
            }
            let found = try findings()
            guard !found.isEmpty else { return [] }
            do {
                let healed = try BackupHealing(store: store, backup: path).run(generation, onProgress: progress.add)
                for file in healed { Terminal.complain("\(file) was damaged in the backup, and was copied anew") }
                return healed.isEmpty ? found : try findings()
            } catch let error as OsnovaError where error.kind == .damaged {
                // Its database or its lists: nothing tells what the files should be.
                return found
            }
        }
    }
}
