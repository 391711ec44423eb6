import Foundation
import TestSupport

/// Another machine, reached by SSH: an sshd of the test's own on this one, with its own keys, port and directory.
///
/// `$OSNOVAFS_SSHD` or `/usr/sbin/sshd`. Without one, a script stands for SSH and runs the far side's command here.
final class FarSide {
    static let sshd: String? = {
        let given = ProcessInfo.processInfo.environment["OSNOVAFS_SSHD"]
        return [given, "/usr/sbin/sshd"].compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    let folder: TemporaryFolder
    /// What `$RSYNC_RSH` must be.
    private(set) var shell = ""
    private var port = 0
    private var server: pid_t = 0

    init() throws {
        folder = try TemporaryFolder()
        if let sshd = Self.sshd {
            try startServer(sshd)
        } else {
            print("SKIPPED: no sshd was tested, the package openssh-server is missing: a script stands for SSH")
            shell = try script(
                "shell",
                "while [ \"${1#-}\" != \"$1\" ]; do case $1 in -p|-l) shift;; esac; shift; done; shift\nexec sh -c \"$*\""
            )
        }
    }

    deinit {
        if server > 0 { kill(server, SIGTERM) }
    }

    /// A path on the other machine, as `--to` and `--from` take it.
    func place(_ path: String) -> String {
        Self.sshd == nil ? "far:\(path)" : "ssh://\(NSUserName())@127.0.0.1:\(port)\(path)"
    }

    /// An executable script in the folder.
    func script(_ name: String, _ lines: String) throws -> String {
        let path = try folder.write(name, Data("#!/bin/bash\n\(lines)\n".utf8))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        return path
    }

    private func startServer(_ sshd: String) throws {
        let keys = "for key in host user; do ssh-keygen -q -t ed25519 -N '' -f $key; done; cp user.pub authorized"
        guard try Program.shell(keys, in: folder.url).code == 0 else { throw CocoaError(.fileNoSuchFile) }
        for _ in 0..<20 where try !answers() { try start(sshd, port: Int.random(in: 20_000..<60_000)) }
        let key = try String(contentsOfFile: folder.path("host.pub"), encoding: .utf8)
        try folder.write("known", Data("[127.0.0.1]:\(port) \(key)".utf8))
        shell =
            "ssh -F none -i \(folder.path("user")) -o UserKnownHostsFile=\(folder.path("known")) -o BatchMode=yes "
            + "-o IdentitiesOnly=yes"
    }

    private func start(_ sshd: String, port: Int) throws {
        self.port = port
        let settings = """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(folder.path("host"))
            AuthorizedKeysFile \(folder.path("authorized"))
            PidFile none
            StrictModes no
            UsePAM no
            UseDNS no
            PasswordAuthentication no
            PermitRootLogin prohibit-password
            """
        try folder.write("settings", Data(settings.utf8))
        // A user and a directory that sshd wants of root are there in a mount namespace of its own only.
        let asRoot = """
            (grep -v ^sshd: /etc/passwd; echo sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin) >passwd
            mount --bind passwd /etc/passwd; mount -t tmpfs none /run; mkdir -p /run/sshd
            """
        let run = "exec \(sshd) -D -e -f settings 2>log"
        let isolated = getuid() == 0 ? "exec unshare --mount sh -ec '\(asRoot)\n\(run)'" : run
        // What waits for the end of a shell must not wait for this: it keeps nothing open.
        let closing = "for fd in /proc/self/fd/*; do fd=${fd##*/}; [ $fd -le 2 ] || eval \"exec $fd>&-\"; done"
        let outcome = try Program.shell("(\(closing); \(isolated)) >log 2>&1 </dev/null & echo $!", in: folder.url)
        server = pid_t(outcome.text.trimmingCharacters(in: .newlines)) ?? 0
        _ = eventually(within: 10) { try kill(self.server, 0) != 0 || self.answers() }
    }

    private func answers() throws -> Bool {
        let log = (try? String(contentsOfFile: folder.path("log"), encoding: .utf8)) ?? ""
        return log.contains("Server listening on")
    }
}
