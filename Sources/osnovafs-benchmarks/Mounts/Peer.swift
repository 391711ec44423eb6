internal import Foundation
internal import Glibc

/// A filesystem that serves the corpus, by the shell lines that make it and bring it up.
struct Peer {
    let name: String
    /// Fills the store with the corpus; run once.
    let prepare: String
    let mount: String
    let unmount: String
    /// Where `big/`, `mid/` and `small/` are seen.
    let root: String
    /// What its serving process is found by in a list of processes; nil where there is none.
    let process: String?

    func remount() throws {
        try Shell.run(unmount)
        try Shell.run(mount)
    }
}

/// The filesystems that a comparison knows, each with a folder of its own below `folder`.
struct Peers {
    let folder: String
    let corpus: String
    /// The built program.
    let program: String

    static let names = [
        "plain", "passthrough", "gocryptfs", "gocryptfs-xchacha", "securefs", "cryfs", "encfs", "restic", "borg",
    ]

    var ours: Peer {
        let (store, mount) = place("osnovafs")
        let unlock = "--data-root \(store) --phrase-file \(folder)/phrase"
        let words = Array(repeating: "abandon", count: 11).joined(separator: " ") + " about"
        return Peer(
            name: "osnovafs",
            prepare: """
                echo '\(words)' > \(folder)/phrase; \(program) init \(unlock) > /dev/null
                cd \(corpus) && \(program) put \(unlock) -r big mid small > /dev/null
                """,
            mount: "\(program) mount \(unlock) \(mount)", unmount: "\(program) unmount \(mount)",
            root: "\(mount)/files", process: "driver-channel.*\(mount)")
    }

    /// A peer by its name; nil for a name that is not in the list.
    func peer(_ name: String) -> Peer? {
        let (store, mount) = place(name)
        let copy = "cp -r \(corpus)/big \(corpus)/mid \(corpus)/small \(mount)/ && sync -f \(mount)"
        func filled(_ create: String, _ mounting: String, root: String? = nil) -> Peer {
            let unmount = "fusermount3 -u \(mount)"
            return Peer(
                name: name, prepare: "\(create) && \(mounting) && \(copy) && \(unmount)", mount: mounting,
                unmount: unmount, root: root ?? mount, process: mount)
        }
        switch name {
        case "plain":
            return Peer(name: name, prepare: "true", mount: "true", unmount: "true", root: corpus, process: nil)
        case "passthrough": return passthrough(store, mount)
        case "gocryptfs", "gocryptfs-xchacha":
            let flag = name == "gocryptfs" ? "" : "-xchacha"
            return filled(
                "mkdir -p \(store) && echo pw | gocryptfs -init -q \(flag) \(store)",
                "echo pw | gocryptfs -q \(store) \(mount)")
        case "securefs":
            return filled(
                "mkdir -p \(store) && securefs create --pass pw \(store)",
                "securefs mount -b --pass pw \(store) \(mount) && until mountpoint -q \(mount); do sleep 0.02; done")
        case "cryfs":
            let quiet = "CRYFS_FRONTEND=noninteractive CRYFS_NO_UPDATE_CHECK=true"
            return filled("mkdir -p \(store)", "echo pw | \(quiet) cryfs \(store) \(mount)")
        case "encfs": return filled("mkdir -p \(store)", "echo pw | encfs --standard -S \(store) \(mount)")
        case "restic", "borg": return archive(name, store, mount)
        default: return nil
        }
    }

    private func place(_ name: String) -> (store: String, mount: String) {
        ("\(folder)/\(name).store", "\(folder)/\(name).mnt")
    }

    /// libfuse's own unencrypted example: what the way through the kernel costs by itself.
    private func passthrough(_ store: String, _ mount: String) -> Peer {
        let examples = "/usr/share/doc/libfuse3-dev/examples"
        return Peer(
            name: "passthrough",
            prepare:
                "gcc -O2 \(examples)/passthrough_ll.c -I\(examples) -o \(store) $(pkg-config --cflags --libs fuse3)",
            mount: "\(store) -o source=\(corpus),cache=always,allow_other \(mount)",
            unmount: "fusermount3 -u \(mount)", root: mount, process: mount)
    }

    private func archive(_ name: String, _ store: String, _ mount: String) -> Peer {
        let isRestic = name == "restic"
        let key = isRestic ? "RESTIC_PASSWORD=pw" : "BORG_PASSPHRASE=pw"
        let wait = isRestic ? "\(mount)/snapshots/latest/big" : "\(mount)/big"
        let create =
            isRestic
            ? "\(key) restic init -q -r \(store) && cd \(corpus) && \(key) restic -q -r \(store) backup big mid small"
            : "\(key) borg init -e repokey-blake2 \(store) && cd \(corpus) && "
                + "\(key) borg create -C none \(store)::a big mid small"
        let mounting =
            isRestic
            ? "(\(key) restic -q -r \(store) mount \(mount) > /dev/null 2>&1 &)"
            : "\(key) borg mount \(store)::a \(mount)"
        return Peer(
            name: name, prepare: create, mount: "\(mounting); until [ -e \(wait) ]; do sleep 0.02; done",
            unmount: "fusermount3 -u \(mount)", root: isRestic ? "\(mount)/snapshots/latest" : mount, process: mount)
    }
}

/// Shell lines.
enum Shell {
    struct Failure: Error, CustomStringConvertible {
        let line: String
        let code: Int32
        var description: String { "'\(line)' ended with \(code)" }
    }

    /// Runs a line to its end; what it writes is not shown.
    ///
    /// Not by Foundation, which takes a process for running as long as a daemon that it started holds its descriptors.
    static func run(_ line: String) throws {
        var process = pid_t()
        let texts = ["bash", "-c", "exec > /dev/null 2>&1 < /dev/null; \(line)"]
        let words: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        guard posix_spawn(&process, "/bin/bash", nil, nil, words, environ) == 0 else {
            throw Failure(line: line, code: -1)
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { throw Failure(line: line, code: status >> 8) }
    }

    /// Runs a line and returns what it wrote.
    static func output(_ line: String) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", line]
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
