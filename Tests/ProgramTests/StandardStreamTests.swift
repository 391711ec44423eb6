import Foundation
import TestSupport
import Testing

/// What becomes of results that cannot be written, and of names that would steer a terminal.
@Suite struct StandardStreamTests {
    private func shell(_ line: String, _ work: Workspace) throws -> Program.Outcome {
        let run = "run() { '\(Program.path)' \"$@\" --data-root root --phrase-file phrase; }"
        return try Program.shell("\(run); \(line)", in: work.folder)
    }

    @Test(arguments: ["put f", "cat $(sha256sum < f | head -c 64)", "verify --json"])
    func `a result that cannot be written is told in one line`(command: String) throws {
        let work = try Workspace()
        try work.write("f", Data("content".utf8))
        try work.put(["f"])
        let full = try shell("run \(command) > /dev/full", work)
        #expect(full.code == 74)
        #expect(full.errors.split(separator: "\n").count == 1)
        #expect(full.errors.contains("standard output: No space left on device"), "\(full.errors)")
    }

    @Test(arguments: [
        "put f $store", "cat $hash $store", "get $hash -o - $store",
        "cocoon open sealed --mini --key-file key", "cocoon seal f -o - --mini --key-file key",
    ])
    func `who reads no further hears nothing of it`(command: String) throws {
        let work = try Workspace()
        try work.write("f", Data("content".utf8))
        try work.write("key", noise(32, seed: 1))
        try work.put(["f"])
        try work.expect(0, ["cocoon", "seal", "f", "-o", "sealed", "--mini", "--key-file", "key"])
        // The reader has ended before the program begins.
        let line = """
            store="--data-root root --phrase-file phrase"; hash=$(sha256sum < f | head -c 64)
            trap '' PIPE; exec 3> >(exec true); wait $!; '\(Program.path)' \(command) >&3
            """
        let cut = try Program.shell(line, in: work.folder)
        #expect(cut.code == 74 && cut.errors.isEmpty, "\(cut.code) \(cut.errors)")
    }

    /// The pipe is full before the program runs, and is emptied when the program waits for that, or is gone.
    @Test(arguments: ["put f", "cat $(sha256sum < f | head -c 64)"])
    func `a standard output that does not block is waited for`(command: String) throws {
        let work = try Workspace()
        try work.write("f", Data("content".utf8))
        try work.put(["f"])
        let script = """
            import os, subprocess, sys, time
            out, into = os.pipe()
            os.set_blocking(into, False)
            filling = 0
            try:
                while True: filling += os.write(into, b"x" * 4096)
            except BlockingIOError: pass
            child = subprocess.Popen(sys.argv[1:], stdout=into)
            os.close(into)
            def waits():
                try: return open(f"/proc/{child.pid}/syscall").read().split()[0] in ("7", "73", "271")
                # The program hides from whoever is not root.
                except PermissionError: time.sleep(1); return True
                except OSError: return False
            while child.poll() is None and not waits(): pass
            content = b""
            while piece := os.read(out, 65536): content += piece
            sys.stdout.buffer.write(content[filling:])
            sys.exit(child.wait())
            """
        try work.write("reader.py", Data(script.utf8))
        let line = "set -- \(command); python3 reader.py '\(Program.path)' \"$@\" --data-root root --phrase-file phrase"
        let outcome = try Program.shell(line, in: work.folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.text.contains(command == "put f" ? "  f\n" : "content"))
    }

    @Test func `a control character of a name is told as its number, and put as it is`() throws {
        let work = try Workspace()
        let name = "a\u{1B}[31m\nb\u{85}"
        let told = try work.expect(66, ["put", name] + work.unlocking)
        #expect(told.errors.contains("a%1b[31m%0ab%c2%85"), "\(told.errors)")
        try work.write(name, Data("x".utf8))
        let put = try work.put([name])
        #expect(put.text == (try Program.run("/usr/bin/sha256sum", [name], in: work.folder)).text)
        let wrong = try work.expect(64, ["list", "\u{1B}[31m"])
        #expect(!wrong.errors.contains("\u{1B}"))
    }

    @Test func `a manifest of somebody else does not steer a terminal`() throws {
        let work = try Workspace()
        try work.sqlite(
            """
            INSERT INTO components (component_id, name, version, type, manifest_json, installed_at)
                VALUES ('c', 'n', '1', 'backend', '{' || char(13, 10, 9) || '"a": "' || char(27, 155) || '[31m"}', 1);
            INSERT INTO applications (application_id, name, version, manifest_json, installed_at)
                VALUES ('a', 'n', '1', '{}' || char(27) || '[31m', 1);
            """)
        let component = try work.expect(0, ["component", "show", "c"])
        #expect(component.text.hasSuffix("{\n\t\"a\": \"\u{FFFD}\u{FFFD}[31m\"}\n"), "\(component.text)")
        #expect(try work.expect(0, ["app", "show", "a"]).text.hasSuffix("\n{}\u{FFFD}[31m\n"))
        let manifest = #"{"id": "b", "name": "n", "version": "1\u001b[31m", "description": "d"}"#
        let installed = try work.expect(0, ["app", "install", "-"], input: Data(manifest.utf8))
        #expect(installed.text == "installed application b 1\u{FFFD}[31m\n")
    }

    @Test func `cat has no document`() throws {
        let work = try Workspace()
        try work.write("f", Data("content".utf8))
        let hash = String(try work.put(["f"]).text.prefix(64))
        let refused = try work.expect(64, ["cat", hash, "--json"] + work.unlocking)
        #expect(refused.output.isEmpty && refused.errors.contains("get -o FILE --json"))
    }
}
