internal import ArgumentParser
internal import OsnovaStorage
internal import Primitives

extension BackupCommand {
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Read a generation back and compare it with its SHA-256; the newest one without a name.",
            discussion: "Needs no phrase and makes no generation. Ends with 65 if something is damaged or missing.")

        @OptionGroup var store: StoreOptions

        @Option(help: ArgumentHelp("A generation of 'backup list'.", valueName: "name"), transform: Arguments.text)
        var generation: String?

        @OptionGroup var place: EarlierBackupOptions

        func validate() throws {
            guard place.remote == nil else { throw ValidationError(BackupPlaceOptions.verifyThere) }
        }

        private struct Outcome: Encodable {
            let generation: String
            let damaged: [String]
        }

        func run() throws {
            UnfinishedWork.removeOnSignals()
            let directory = try place.directory
            let backup = try BackupGenerations(backup: directory)
            guard let name = try generation ?? backup.list().last?.name else {
                throw OsnovaError(.notFound, "the backup \(directory) has no generation at all")
            }
            let progress = Progress("reading back")
            let damaged = try backup.verify(name, onProgress: progress.add)
            progress.finish()
            if store.json {
                try Terminal.sayJSON(Outcome(generation: name, damaged: damaged))
            } else if damaged.isEmpty {
                Terminal.say("\(name): everything is as it was written")
            }
            for finding in damaged { Terminal.complain(finding) }
            guard damaged.isEmpty else { throw ExitStatus(code: ExitStatus.code(for: .damaged)) }
        }
    }
}
