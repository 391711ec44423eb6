internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage
internal import Primitives

struct DatabaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "Check, vacuum and measure the database.",
        subcommands: [Check.self, Vacuum.self, Stats.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check the database, its foreign keys and its full-text indexes; blobs are 'verify'.",
            discussion: """
                Ends with 0 for a sound database and with 65 for another one. A full-text index that is damaged, or lacks \
                rows of its table, is made anew with --repair; nothing else can be.
                """)

        @OptionGroup var store: StoreOptions

        @Flag(help: "Make the full-text indexes anew where one is not whole.")
        var repair = false

        private struct Outcome: Encodable {
            let ok: Bool
            let findings: [String]
            let notes: [String]
        }

        func run() throws {
            let report = try store.open().catalog.check(repairing: repair)
            let isSound = report.findings.isEmpty
            if store.json {
                try Terminal.sayJSON(Outcome(ok: isSound, findings: report.findings, notes: report.notes))
            } else {
                for finding in report.findings { Terminal.say("damaged  \(Table.printable(finding))") }
                for note in report.notes { Terminal.say("note     \(Table.printable(note))") }
                Terminal.say("the database is \(isSound ? "sound" : "damaged")")
            }
            guard isSound else { throw ExitStatus(code: ExitStatus.code(for: .damaged)) }
        }
    }

    struct Vacuum: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "vacuum", abstract: "Give free space of the database back to the disk.",
            discussion: """
                Others go on reading and writing meanwhile. A database that another program made is written anew once, \
                as it is with --full; others then wait.
                """)

        @OptionGroup var store: StoreOptions

        @Flag(help: "Write the whole database anew.")
        var full = false

        @Flag(help: "Do nothing unless a tenth of the database, and at least 1 MiB, is free.")
        var ifWorth = false

        private struct Outcome: Encodable {
            let bytesBefore: Int64
            let bytesAfter: Int64
            let full: Bool
        }

        func run() throws {
            let catalog = try store.open().catalog
            let statistics = try catalog.databaseStatistics()
            let outcome =
                try full || (!statistics.isIncremental && !ifWorth)
                ? catalog.vacuumFully() : catalog.vacuum(ifWorth ? VacuumPolicy() : .everything)
            let before = outcome?.bytesBefore ?? statistics.bytes
            let after = outcome?.bytesAfter ?? statistics.bytes
            if store.json {
                return try Terminal.sayJSON(
                    Outcome(bytesBefore: before, bytesAfter: after, full: outcome?.wasFull ?? false))
            }
            Terminal.say("\(ByteCount.text(before)) before, \(ByteCount.text(after)) after")
        }
    }

    struct Stats: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stats", abstract: "Show sizes and rows of the database.")

        @OptionGroup var store: StoreOptions

        private struct Outcome: Encodable {
            struct Table: Encodable {
                let name: String
                let rows: Int64
                let bytes: Int64?
            }

            let bytes: Int64
            let freeBytes: Int64
            let schemaVersion: Int64
            let incrementalVacuum: Bool
            let sqliteVersion: String
            let tables: [Table]
        }

        func run() throws {
            let found = try store.open().catalog.databaseStatistics()
            if store.json {
                return try Terminal.sayJSON(
                    Outcome(
                        bytes: found.bytes, freeBytes: found.freeBytes, schemaVersion: found.schemaVersion,
                        incrementalVacuum: found.isIncremental, sqliteVersion: found.sqliteVersion,
                        tables: found.tables.map { .init(name: $0.name, rows: $0.rows, bytes: $0.bytes) }))
            }
            Table.print(
                ["ROWS", "SIZE", "TABLE"],
                found.tables.map { ["\($0.rows)", $0.bytes.map(ByteCount.text) ?? "-", $0.name] })
            Terminal.say(
                "\(ByteCount.text(found.bytes)), \(ByteCount.text(found.freeBytes)) of it free; schema version "
                    + "\(found.schemaVersion), SQLite \(found.sqliteVersion)")
        }
    }
}
