import Foundation
import TestSupport
import Testing

/// Where `get` and `cocoon seal` write, and what they leave of what was there.
@Suite struct OutputTests {
    private let work: Workspace
    private let hash: String

    init() throws {
        work = try Workspace()
        try work.write("f", Data("new content".utf8))
        hash = String(try work.put(["f"]).text.prefix(64))
    }

    private func get(_ output: String, _ options: [String] = []) -> [String] {
        ["get", hash, "-o", output] + options + work.unlocking
    }

    @discardableResult
    private func shell(_ line: String) throws -> Program.Outcome {
        let get = "get() { '\(Program.path)' get \(hash) --data-root root --phrase-file phrase -o \"$@\"; }"
        return try Program.shell("\(get); \(line)", in: work.folder)
    }

    @Test func `a new file has the umask's permissions, and one that is replaced keeps its own`() throws {
        let line = "umask 027; get new; echo old > old; chmod 604 old; get old; stat -c %a new old; cat new old"
        #expect(try shell(line).text == "640\n604\nnew contentnew content")
    }

    @Test func `a link is followed, and where it leads is replaced or made`() throws {
        try work.write("sub/target", Data("old".utf8))
        try shell("ln -s sub/target link; ln -s link further; ln -s sub/absent dangling")
        try work.expect(0, get("further"))
        try work.expect(0, get("dangling"))
        #expect(
            try shell("readlink further link dangling; cat sub/target sub/absent").text
                == "link\nsub/target\nsub/absent\nnew contentnew content")
    }

    @Test func `a FIFO and a device are written to and stay`() throws {
        let line = """
            mkfifo fifo; cat fifo > got & get fifo; wait; cat got; test -p fifo && echo there
            ln -s /dev/null null; get null && get /dev/null && test -c /dev/null && test -L null && echo both
            get >(tr a-z A-Z > got); until test -s got; do :; done; cat got
            """
        #expect(try shell(line).text == "new contentthere\nboth\nNEW CONTENT")
    }

    @Test func `a dash and the names of standard output mean standard output`() throws {
        #expect(try work.expect(0, get("-")).text == "new content")
        let line = "echo first > log; get /dev/stdout >> log; get - >> log; get /dev/fd/1 >> log; cat log"
        #expect(try shell(line).text == "first\nnew contentnew contentnew content")
        #expect(try !FileManager.default.contentsOfDirectory(atPath: work.folder.path).contains("-"))
        #expect(try work.expect(64, get("-", ["--json"])).errors.contains("--json"))
    }

    @Test func `a directory, a socket and a folder that is not there are refused`() throws {
        #expect(try work.expect(73, get("mnt")).errors.contains("it is a directory"))
        try work.expect(73, get("absent/file"))
        try work.expect(73, get("f/file"))
        try shell("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'")
        try work.expect(73, get("sock"))
        #expect(try shell("get /dev/full").code == 74)
    }

    @Test func `a name may be as long as the disk lets it be`() throws {
        for name in [String(repeating: "n", count: 255), String(repeating: "я", count: 127)] {
            try work.expect(0, get(name))
            #expect(try Data(contentsOf: work.folder.appendingPathComponent(name)) == Data("new content".utf8))
        }
        try work.expect(73, get(String(repeating: "n", count: 256)))
    }

    @Test func `a container goes to a FIFO and to standard output, and opens`() throws {
        try work.write("password", Data("password".utf8))
        let content = try work.write("payload", noise(3_000_000, seed: 2))
        let seal = "'\(Program.path)' cocoon seal payload --password-file password -o"
        #expect(
            try shell("\(seal) - > piped; mkfifo fifo; cat fifo > passed & \(seal) fifo; wait; ls").code == 0)
        for name in ["piped", "passed"] {
            let opened = try work.expect(0, ["cocoon", "open", name, "--password-file", "password"])
            #expect(opened.output == content)
        }
        try work.expect(64, ["cocoon", "seal", "payload", "--password-file", "password", "-o", "-", "--json"])
    }
}
