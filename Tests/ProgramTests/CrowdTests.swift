import Foundation
import TestSupport
import Testing

/// Eight processes at once over one store: nothing that was acknowledged is lost, and nobody fails but who may.
///
/// `OSNOVAFS_CROWD_SECONDS=60` makes it a minute.
@Suite(.serialized) struct CrowdTests {
    private static let seconds = ProcessInfo.processInfo.environment["OSNOVAFS_CROWD_SECONDS"].flatMap(Int.init) ?? 10

    @Test func `put, cat, gc, evict and backup do each other no harm`() throws {
        let work = try Workspace()
        let folder = work.folder.path
        for number in 0..<6 { try work.write("pool/\(number)", noise(40_000 + number, seed: UInt64(number))) }
        let fixed = String(try work.put(["pool/0"], options: ["--as", "fixed"]).text.prefix(64))
        let program = Program.path
        let unlocking = "--phrase-file phrase"
        // The same few contents under ever other names, in the cache and out of it: each put meets a removal.
        let loops = [
            loop("put1", #"P put pool/$((n % 6)) --as "a" U >>acknowledged.1"#),
            loop("put2", #"P put pool/$(((n + 3) % 6)) --as "b-$((n % 4))" U >>acknowledged.2"#),
            loop("put3", #"head -c 30000 /dev/urandom >own; P put own --as "own-$n" U >>acknowledged.3"#),
            loop("cache", #"P cache put "ant://$n" pool/$((n % 6)) U >>cached"#),
            loop("cat", "P cat \(fixed) U >/dev/null"),
            loop("gc", "P gc --grace 0", allowing: 75),
            loop("evict", "P cache evict --max-size 50K", allowing: 75),
            loop("backup", "P backup backup >/dev/null"),
        ]
        let script = """
            export OSNOVA_DATA_ROOT=root
            P() { \(program) "$@"; }
            end=$((SECONDS + \(Self.seconds)))
            \(loops.joined(separator: "\n").replacing(" U", with: " " + unlocking))
            wait
            """
        let outcome = try Program.run("/bin/bash", ["-c", script], in: URL(fileURLWithPath: folder))
        #expect(outcome.code == 0)
        let failures = try String(contentsOfFile: "\(folder)/failures", encoding: .utf8)
        #expect(failures.isEmpty, "\(failures)")
        print(
            "crowd: \(try String(contentsOfFile: "\(folder)/counts", encoding: .utf8).split(separator: "\n").sorted())")

        try work.expect(0, ["verify"] + work.unlocking)
        // Names "a" and "b-…" were pointed elsewhere again and again; what has a name of its own must be there.
        let own = try String(contentsOfFile: "\(folder)/acknowledged.3", encoding: .utf8).split(separator: "\n")
        #expect(own.count > 2)
        for line in own { try work.expect(0, ["cat", String(line.prefix(64))] + work.unlocking) }
        for list in ["acknowledged.1", "acknowledged.2"] {
            let last = try #require(
                try String(contentsOfFile: "\(folder)/\(list)", encoding: .utf8).split(separator: "\n").last)
            try work.expect(0, ["cat", String(last.prefix(64))] + work.unlocking)
        }
        try work.expect(0, ["restore", "backup", "--data-root", "restored"])
        try work.expect(0, ["verify", "--data-root", "restored"] + work.unlocking)
    }

    /// A command again and again until the time is over; each failure that is not allowed is noted.
    private func loop(_ name: String, _ command: String, allowing code: Int = 0) -> String {
        """
        ( n=0; while [ $SECONDS -lt $end ]; do n=$((n + 1))
        \(command) 2>errors.\(name); code=$?
        if [ $code != 0 ] && [ $code != \(code) ]; then echo "\(name) ended with $code: $(cat errors.\(name))" >>failures; fi
        done >/dev/null; echo "\(name) $n" >>counts; touch failures ) &
        """
    }
}
