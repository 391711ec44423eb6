internal import ArgumentParser
internal import Foundation
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read and verify every blob and the database.",
        discussion: """
            Changes nothing but the times of verification. Ends with 0 if everything is sound and with 65 if something \
            is damaged or missing.

            --since goes on with a verification that was interrupted: what was verified after that time is left out. \
            --repair takes up sound files that have no row, makes wrong rows of sound files anew, fetches damaged and \
            missing files from --from, and moves what nothing can save to quarantine/; it deletes nothing, and ends \
            with 0 if everything is sound then.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    @Option(help: ArgumentHelp("Only blobs not verified since then: 7d, or 2026-11-24T18:00:00Z.", valueName: "time"))
    var since: PastArgument?

    @Option(help: ArgumentHelp("Only so many of the blobs, chosen by chance: 5%.", valueName: "percent"))
    var sample: PercentArgument?

    @Flag(help: "Repair what can be repaired.")
    var repair = false

    @Option(help: ArgumentHelp("A backup or another data root to fetch sound files from.", valueName: "backup"))
    var from: PathArgument?

    private struct Outcome: Encodable {
        struct Damage: Encodable {
            let sha256: String
            let reason: String
        }

        struct Repaired: Encodable {
            let sha256: String
            let how: String
        }

        let checked: Int
        let ok: Int
        let damaged: [Damage]
        let missing: [String]
        let untracked: [String]
        let database: String
        /// Left out where there is nothing to tell.
        let openToOthers: [String]?
        let repaired: [Repaired]?
        let quarantined: [String]?
    }

    func validate() throws {
        guard from == nil || repair else { throw ValidationError("--from is for --repair.") }
        try from?.refusePlace { place in
            "--from takes a directory here: fetch the backup with 'osnovafs restore --from \(place) --data-root DIR' and "
                + "name DIR, or ./\(place) for a directory here."
        }
    }

    func run() throws {
        let backup = try from?.path.text
        let opened = try store.open(unlocking)
        let source = try backup.map { try RepairSource(path: $0) }
        let progress = Progress("verifying")
        let scope = VerificationScope(notVerifiedSince: since?.seconds, fraction: sample?.fraction ?? 1)
        let verification = Verification(store: opened, scope: scope, onProgress: progress.add)
        var report = try verification.run()
        progress.finish()
        if repair { report = try Repair(store: opened, from: source).run(verification, report) }
        try opened.close()
        if store.json {
            try sayJSON(report)
        } else {
            say(report)
        }
        guard report.isSound else { throw ExitStatus(code: ExitStatus.code(for: .damaged)) }
    }

    private func sayJSON(_ report: VerificationReport) throws {
        let repaired = report.repaired.map { Outcome.Repaired(sha256: $0.sha256, how: $0.how) }
        try Terminal.sayJSON(
            Outcome(
                checked: report.checked, ok: report.ok,
                damaged: report.damaged.map { Outcome.Damage(sha256: $0.sha256, reason: $0.reason) },
                missing: report.missing, untracked: report.untracked, database: report.database,
                openToOthers: report.openToOthers.isEmpty ? nil : report.openToOthers,
                repaired: repair ? repaired : nil,
                quarantined: repair ? report.quarantined : nil))
    }

    private func say(_ report: VerificationReport) {
        for damage in report.damaged { Terminal.say("damaged    \(damage.sha256)  \(damage.reason)") }
        for hash in report.missing { Terminal.say("missing    \(Table.printable(hash))") }
        for name in report.untracked { Terminal.say("untracked  \(Table.printable(name))") }
        for repair in report.repaired { Terminal.say("repaired   \(repair.sha256)  \(repair.how)") }
        for path in report.quarantined { Terminal.say("kept       \(Table.printable(path))") }
        if let first = report.openToOthers.first {
            Terminal.say(
                "others may look at \(report.openToOthers.count) paths, such as \(Table.printable(first)); "
                    + "--repair closes them")
        }
        Terminal.say(
            "\(report.checked) blobs checked, \(report.ok) sound, \(report.damaged.count) damaged, "
                + "\(report.missing.count) missing, \(report.untracked.count) untracked; database: \(report.database)")
    }
}

/// A time in the past as an argument: a span before now, or a date.
struct PastArgument: ExpressibleByArgument {
    let seconds: Int64

    init?(argument: String) {
        if let span = DurationArgument(argument: argument) {
            seconds = Clock.seconds - span.seconds
        } else if let date = try? Date(argument, strategy: .iso8601) {
            seconds = Int64(date.timeIntervalSince1970)
        } else if let date = try? Date(argument, strategy: .iso8601.year().month().day()) {
            seconds = Int64(date.timeIntervalSince1970)
        } else {
            return nil
        }
    }
}

/// A part as an argument, in percent.
struct PercentArgument: ExpressibleByArgument {
    let fraction: Double

    init?(argument: String) {
        let digits = argument.hasSuffix("%") ? argument.dropLast() : argument[...]
        guard let percent = Double(digits), percent > 0, percent <= 100 else { return nil }
        fraction = percent / 100
    }
}
