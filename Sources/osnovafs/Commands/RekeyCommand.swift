internal import ArgumentParser
internal import Catalog
internal import Keyring
internal import OsnovaStorage
internal import Primitives

struct RekeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rekey",
        abstract: "Give the whole store a new recovery phrase: every content is sealed anew.",
        discussion: """
            Unlocked by the current phrase or password. The new phrase comes from --new-phrase-file, or is made and \
            shown once. Each content is verified, sealed under the new key and put in the place of the old file; mounts \
            and other commands work meanwhile, and what is put meanwhile is sealed under the new key. At the end the \
            new phrase alone opens the store.

            It can be interrupted at any time: both phrases open the store then, and the same command goes on; it wants \
            to see the new phrase again (--new-phrase-file, --phrase-out with the file that it wrote, or typed), so \
            that the old one does not go before the new one is at hand. --undo takes back what is not finished. Damaged \
            or missing contents are named, keep the rekey from ending (65), and have to be repaired ('osnovafs verify \
            --repair --from BACKUP') or removed (what refers to them, then 'osnovafs gc --grace 0').

            A password opens the store as before: give the password of each user that has one, your own as usual and \
            others by --vault; --leave-vaults leaves them out, they then need 'osnovafs password reset'. Key pairs of \
            components stay what they are.

            Who has a copy of the store from before and the old phrase can read that copy for ever, and so it is with \
            backups: keep the old phrase as long as you keep them, and make a new backup in another directory. Needs \
            room for the largest content and 256 MiB.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions
    @OptionGroup var phrase: RekeyPhraseOptions
    @OptionGroup var vaults: RekeyVaultOptions

    private struct Outcome: Encodable {
        struct Damage: Encodable {
            let sha256: String
            let reason: String
        }

        let finished: Bool
        let undone: Bool
        let keyFingerprint: String?
        let sealed: Int
        let alreadySealed: Int
        let damaged: [Damage]
        let missing: [String]
        let carriedKeys: Int
        let users: [String]
        let leftUsers: [String]
    }

    func run() throws {
        let opened = try store.openForRekey(unlocking)
        let rekey = try Rekey(store: opened.store, holder: opened.keys)
        let vaults = try vaults.collect(opened, unlocking)
        let new = try phrase.keys(try rekey.generations(), holder: opened.keys)
        try rekey.begin(new)
        let progress = Progress("sealing anew")
        var report = try rekey.run(onProgress: progress.add)
        if report.isSound { report = try rekey.finish(onProgress: progress.add, moveVaults: vaults.move) }
        progress.finish()
        let left = try vaults.untaken().map(\.name)
        try opened.store.close()
        try tell(report, new, vaults.taken.map(\.name), left: left)
        guard report.isFinished else { throw ExitStatus(code: ExitStatus.code(for: .damaged)) }
    }

    private func tell(_ report: RekeyReport, _ new: KeyHierarchy, _ users: [String], left: [String]) throws {
        if store.json {
            try Terminal.sayJSON(
                Outcome(
                    finished: report.isFinished, undone: report.isFinished && phrase.undo,
                    keyFingerprint: report.isFinished ? Hexadecimal.string(new.fingerprint.prefix(8)) : nil,
                    sealed: report.sealed, alreadySealed: report.wasSealed,
                    damaged: report.damaged.map { Outcome.Damage(sha256: $0.sha256, reason: $0.reason) },
                    missing: report.missing, carriedKeys: report.carriedKeys,
                    users: report.isFinished ? users : [], leftUsers: left))
        } else {
            for damage in report.damaged { Terminal.say("damaged  \(damage.sha256)  \(damage.reason)") }
            for hash in report.missing { Terminal.say("missing  \(hash)") }
            let ending = phrase.undo ? "the rekey is taken back" : "the new phrase alone opens the store"
            Terminal.say(
                "\(report.sealed + report.wasSealed) contents sealed anew; "
                    + (report.isFinished ? ending : "the rekey is not finished: both phrases open the store"))
        }
        advise(report, left: left)
    }

    private func advise(_ report: RekeyReport, left: [String]) {
        guard report.isFinished else {
            return Terminal.complain(
                "repair what is named with 'osnovafs verify --repair --from BACKUP', or remove what refers to it and "
                    + "run 'osnovafs gc --grace 0'; then run this again")
        }
        if !left.isEmpty {
            Terminal.complain(
                "no password opens the store any more for \(left.joined(separator: ", ")): "
                    + "'osnovafs password reset --user USER' makes one from the phrase")
        }
        if !report.isErased {
            Terminal.complain(
                "another program reads the database: until it ends, osnova.db-wal holds sealed keys that go")
        }
        for copy in report.removedCopies { Terminal.complain("removed \(copy): it held keys of the rekey") }
        for copy in report.unreadableCopies {
            Terminal.complain("\(copy) cannot be read and may hold keys of the rekey: remove it")
        }
        guard !phrase.undo else { return }
        Terminal.sayOnError(
            "Backups from before open with the old phrase only. Make a new one, in another directory: "
                + "osnovafs backup DIRECTORY")
    }
}
