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

    @Test func `a FIFO is written to and stays`() throws {
        let line = """
            mkfifo fifo; exec 3<> fifo; get fifo && test -p fifo && head -c 11 <&3; echo; exec 3>&-
            get >(tr a-z A-Z > loud); wait $!; cat loud
            """
        #expect(try shell(line).text == "new content\nNEW CONTENT")
    }

    /// Devices of its own: a program that replaces them, run by root, would take those of `/dev` from everybody.
    @Test(.enabled(if: OutputTests.makesDevices, "SKIPPED: no device can be made here, none was written to"))
    func `a device is written to and stays`() throws {
        let line = """
            mknod null c 1 3; mknod full c 1 7; ln -s null link
            get null && get link && test -c null && test -L link && echo both
            get full; echo $?; test -c full && echo there
            """
        let told = try shell(line)
        #expect(told.text == "both\n74\nthere\n" && told.errors.contains("full: No space left"), "\(told.errors)")
    }

    private static let makesDevices: Bool = {
        let line = "folder=$(mktemp -d); mknod $folder/null c 1 3; : > $folder/null && test -c $folder/null"
        return (try? Program.shell("\(line); code=$?; rm -rf $folder; exit $code"))?.code == 0
    }()

    @Test func `a dash and the names of standard output mean standard output`() throws {
        #expect(try work.expect(0, get("-")).text == "new content")
        let line = """
            ln -s /proc/self/fd/1 stdout
            echo first > log; get stdout >> log; get - >> log; get /dev/fd/1 >> log; cat log
            """
        #expect(try shell(line).text == "first\nnew contentnew contentnew content")
        #expect(try !FileManager.default.contentsOfDirectory(atPath: work.folder.path).contains("-"))
        #expect(try work.expect(64, get("-", ["--json"])).errors.contains("--json"))
    }

    @Test func `a directory, a socket and a folder that is not there are refused`() throws {
        #expect(try work.expect(73, get("mnt")).errors.contains("it is a directory"))
        #expect(try work.expect(73, get("mnt/")).errors.contains("it is a directory"))
        try work.expect(73, get("absent/file"))
        let before = try shell("cat f").text
        for name in ["absent/", "f/"] { try work.expect(73, get(name)) }
        #expect(try shell("cat f; ls -d absent").text == before)
        try work.expect(73, get("f/file"))
        try shell("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'")
        try work.expect(73, get("sock"))
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
        let line = """
            \(seal) - > piped; mkfifo fifo; exec 3<> fifo; head -c \(content.count + 60) <&3 > passed &
            \(seal) fifo && test -p fifo && wait || kill -KILL $!
            """
        try shell(line)
        for name in ["piped", "passed"] {
            let opened = try work.expect(0, ["cocoon", "open", name, "--password-file", "password"])
            #expect(opened.output == content)
        }
        try work.expect(64, ["cocoon", "seal", "payload", "--password-file", "password", "-o", "-", "--json"])
    }
}
