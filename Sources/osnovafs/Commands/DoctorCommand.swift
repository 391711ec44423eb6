internal import ArgumentParser
internal import Keyring
internal import Mounting
internal import OsnovaStorage
internal import Primitives

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check what mounts and backups need, and tell how to back this store up.",
        discussion: """
            With the store's phrase it also mounts the store twice and compares everything that backup programs go by. \
            Ends with 69 if nothing can be mounted here.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var unlocking: UnlockingOptions

    private struct Outcome: Encodable {
        struct Check: Encodable {
            let subject: String
            let state: String
            let text: String
        }

        let checks: [Check]
        let commands: [String: String]
    }

    /// What each program needs, a copy of the mount in `/backup` being the example.
    ///
    /// A mount has another device number each time: only tar compares it, and is told not to.
    private static let commands: [(tool: String, line: String)] = [
        (
            "tar",
            "tar --listed-incremental=/backup/osnova.snar --no-check-device -C MOUNT -cf /backup/osnova-$(date +%F).tar ."
        ),
        ("rsync", "rsync -aHX --delete MOUNT/ /backup/osnova/"),
        ("restic", "cd MOUNT && restic -r /backup/restic backup ."),
        ("borg", "cd MOUNT && borg create --files-cache=ctime,size,inode /backup/borg::{now} ."),
    ]

    func run() throws {
        var findings = Diagnosis.findings()
        if let root = try? store.root { findings += KnownDamageCheck.findings(in: root) }
        if findings.contains(where: { $0.state == .bad }) {
            findings.append(.init("two mounts", .limited, "not tried: nothing can be mounted here"))
        } else if unlocking.phraseFile == nil, unlocking.password.given == nil {
            findings.append(
                .init("two mounts", .limited, "not tried: give --phrase-file FILE or --password-file FILE"))
        } else {
            let root = try store.root
            let keys = try unlocking.keys(of: root)
            findings.append(Self.stability(of: root, keys))
        }
        try say(findings)
        if findings.contains(where: { $0.state == .bad }) {
            throw ExitStatus(code: ExitStatus.code(for: .unavailable))
        }
    }

    private static func stability(of root: DataRoot, _ keys: KeyHierarchy) -> Diagnosis.Finding {
        do {
            return try StabilityCheck(root: root, keys: keys).run()
        } catch {
            return .init("two mounts", .limited, "not tried: \(error)")
        }
    }

    private func say(_ findings: [Diagnosis.Finding]) throws {
        if store.json {
            return try Terminal.sayJSON(
                Outcome(
                    checks: findings.map { .init(subject: $0.subject, state: $0.state.rawValue, text: $0.text) },
                    commands: Dictionary(uniqueKeysWithValues: Self.commands.map { ($0.tool, $0.line) })))
        }
        Table.print(["CHECK", "STATE", "FINDING"], findings.map { [$0.subject, $0.state.rawValue, $0.text] })
        Terminal.say("\nTo back up what is mounted on MOUNT:")
        for command in Self.commands { Terminal.say("  \(command.line)") }
        Terminal.say(
            "\nA state that does not change meanwhile: osnovafs snapshot create NAME, then MOUNT/.snapshots/NAME.")
    }
}
