import Foundation
import TestSupport
import Testing

/// A mount, and other commands, while the store gets another key.
@Suite(.serialized, .enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
struct RekeyMountTests {
    private func filled() throws -> Workspace {
        let work = try Workspace()
        try work.write("new", Data(Workspace.otherWords.utf8))
        for index in 0..<60 { try work.write("in/f\(index)", noise(index * 1777, seed: UInt64(index))) }
        try work.write("in/large", noise(20_000_000, seed: 99))
        try work.write("sums", try work.put(["in"], options: ["-r"]).output)
        return work
    }

    /// Reads all files again and again until `stop` is there, past the kernel's pages; a wrong or failed read is told.
    private func startReaders(_ work: Workspace, _ count: Int) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.currentDirectoryURL = work.folder
        process.arguments = [
            "-c",
            """
            read_all() {
                while :; do
                    while read -r sum name; do
                        found=$(dd if="mnt/files/$name" bs=1M iflag=nocache status=none 2>>failed | sha256sum)
                        [ "${found%% *}" = "$sum" ] || echo "$name" >>failed
                    done <sums
                    echo round >>rounds
                    [ -e stop ] && return
                done
            }
            for reader in $(seq \(count)); do read_all & done; wait
            """,
        ]
        try process.run()
        return process
    }

    /// The command has opened the store and waits for a phrase when the mount comes.
    @Test func `a mount that begins while a rekey waits for its phrase serves on`() throws {
        let work = try Workspace()
        for name in ["a", "b"] { try work.write(name, noise(70_000, seed: UInt64(name.utf8.first ?? 0))) }
        try work.put(["a", "b"])
        let fifo = work.folder.appendingPathComponent("new").path
        #expect(mkfifo(fifo, 0o600) == 0)
        let rekey = Process()
        rekey.executableURL = URL(fileURLWithPath: Program.path)
        rekey.arguments = ["rekey", "--new-phrase-file", "new"] + work.unlocking
        rekey.currentDirectoryURL = work.folder
        rekey.environment = ["OSNOVA_DATA_ROOT": work.root.path]
        try rekey.run()
        // Opening the other end waits for the command to open its own.
        let end = try FileHandle(forWritingTo: URL(fileURLWithPath: fifo))
        try work.mount()
        try end.write(contentsOf: Data(Workspace.otherWords.utf8))
        try end.close()
        rekey.waitUntilExit()
        #expect(rekey.terminationStatus == 0)
        for name in ["a", "b"] {
            let content = try Data(contentsOf: work.folder.appendingPathComponent(name))
            #expect(try Data(contentsOf: work.mounted("files/\(name)")) == content)
        }
    }

    @Test func `several readers of a live mount see the same bytes through four rekeys, and puts go on`() throws {
        let work = try filled()
        try work.mount()
        let readers = try startReaders(work, 4)
        var files = ["phrase", "new"]
        for round in 0..<4 {
            try work.write("in/put-\(round)", noise(3000, seed: UInt64(500 + round)))
            let put = Process()
            put.executableURL = URL(fileURLWithPath: Program.path)
            put.arguments = ["put", "in/put-\(round)", "--phrase-file", files[0]]
            put.currentDirectoryURL = work.folder
            put.environment = ["OSNOVA_DATA_ROOT": work.root.path]
            put.standardOutput = FileHandle.nullDevice
            try put.run()
            try work.expect(0, ["rekey", "--phrase-file", files[0], "--new-phrase-file", files[1]])
            put.waitUntilExit()
            // A put that met the end of the rekey is told to be done again.
            #expect([0, 75, 77].contains(put.terminationStatus))
            files.swapAt(0, 1)
            try work.expect(0, ["put", "in/put-\(round)", "--phrase-file", files[0]])
        }
        try work.write("stop", Data())
        readers.waitUntilExit()
        #expect(try Program.shell("cat failed 2>/dev/null", in: work.folder).text == "")
        #expect(try Program.shell("wc -l <rounds", in: work.folder).text != "0\n")
        for round in 0..<4 {
            #expect(
                try Data(contentsOf: work.mounted("files/in/put-\(round)")) == noise(3000, seed: UInt64(500 + round)))
        }
        try work.expect(0, ["verify", "--phrase-file", files[0]])
        try work.unmount()
        try work.expect(77, ["mount", "--phrase-file", files[1], work.mountpoint.path])
    }

    @Test func `a mount that slept through it gives errors, never other bytes, and says what to do`() throws {
        let work = try filled()
        try work.mount()
        let known = try Data(contentsOf: work.mounted("files/in/f59"))
        let driver = try #require(try work.drivers().first)
        kill(driver, SIGSTOP)
        try work.expect(0, ["rekey", "--new-phrase-file", "new"] + work.unlocking)
        kill(driver, SIGCONT)
        let first = #expect(throws: (any Error).self) { try Data(contentsOf: work.mounted("files/in/f58")) }
        // What the kernel has of it is right for good.
        let again = try? Data(contentsOf: work.mounted("files/in/f59"))
        #expect(again == nil || again == known)
        // Said by the thread that follows changes, in its own time.
        let isTold = eventually {
            _ = try? Data(contentsOf: work.mounted("files/in/f58"))
            let log = try? String(contentsOf: work.root.appendingPathComponent("logs/osnova.log"), encoding: .utf8)
            return log?.contains("mount or open it anew") == true
        }
        #expect(isTold, "at first: \(String(describing: first))")
        try work.unmount()
        try work.expect(0, ["mount", "--phrase-file", "new", work.mountpoint.path])
        #expect(try Data(contentsOf: work.mounted("files/in/f58")) == noise(58 * 1777, seed: 58))
    }

    @Test func `verify, cat, gc and backup beside it are right or say to try again`() throws {
        let work = try filled()
        let hash = String(try Program.shell("grep large sums", in: work.folder).text.prefix(64))
        try work.write("sums2", Data())
        let beside = Process()
        beside.executableURL = URL(fileURLWithPath: "/bin/bash")
        beside.currentDirectoryURL = work.folder
        beside.environment = ProcessInfo.processInfo.environment.merging(["OSNOVA_DATA_ROOT": work.root.path]) { $1 }
        beside.arguments = [
            "-c",
            """
            o='\(Program.path)'
            while [ ! -e stop ]; do
                for phrase in phrase new; do
                    $o cat \(hash) --phrase-file $phrase 2>>errors | sha256sum >sum
                    codes="${PIPESTATUS[0]}"; case "$codes" in
                    0) grep -q \(hash) sum || echo "cat: other bytes" >>failed ;;
                    75|77) ;;
                    *) echo "cat: $codes" >>failed ;;
                    esac
                    $o verify --phrase-file $phrase >verified 2>>errors; code=$?
                    case $code in 0|75|77) ;; *) echo "verify: $code $(cat verified)" >>failed ;; esac
                done
                $o gc --grace 0 >/dev/null 2>>errors; code=$?
                case $code in 0|75) ;; *) echo "gc: $code" >>failed ;; esac
                rm -rf backup; $o backup backup >/dev/null 2>>errors; code=$?
                case $code in 0|75) $o backup backup --verify >/dev/null 2>>errors ;; *) echo "backup: $code" >>failed ;; esac
                echo round >>rounds
            done
            """,
        ]
        try beside.run()
        var files = ["phrase", "new"]
        for _ in 0..<6 {
            var code: Int32 = 75
            while code == 75 {
                code = try work.run(["rekey", "--phrase-file", files[0], "--new-phrase-file", files[1]]).code
            }
            #expect(code == 0)
            files.swapAt(0, 1)
        }
        try work.write("stop", Data())
        beside.waitUntilExit()
        #expect(try Program.shell("cat failed 2>/dev/null", in: work.folder).text == "")
        try work.expect(0, ["verify", "--phrase-file", files[0]])
    }
}
