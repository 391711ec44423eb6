internal import Foundation
internal import OsnovaStorage

/// Measures how fast files come into a store: ours by `put`, a peer's by `cp` with a final sync.
struct PutFigures {
    let peers: Peers
    /// Which try it is, of all comparisons: each has folders of its own.
    let round: String

    func measureOurs() throws -> [Figure: Double] {
        try Shell.run("\(peers.program) init \(unlocking)")
        return try measure(ourLine)
    }

    /// Puts a folder of the corpus into an empty store.
    func ourLine(_ folder: String) -> String { "\(peers.program) put \(unlocking) -r \(peers.corpus)/\(folder)" }

    /// Of the store of this round.
    var unlocking: String { "--data-root \(peers.folder)/put-\(round).ours --phrase-file \(peers.folder)/phrase" }

    func measureGocryptfs() throws -> [Figure: Double] {
        let (store, mount) = ("\(peers.folder)/put-\(round).store", "\(peers.folder)/put-\(round).mnt")
        defer { try? Shell.run("fusermount3 -u \(mount)") }
        try Shell.run(
            """
            mkdir -p \(store) \(mount); echo pw | gocryptfs -init -q \(store)
            echo pw | gocryptfs -q \(store) \(mount)
            """)
        return try measure { "cp -r \(peers.corpus)/\($0) \(mount)/ && sync -f \(mount)" }
    }

    private func measure(_ line: (String) -> String) throws -> [Figure: Double] {
        func seconds(_ folder: String) throws -> Double {
            FreeMemory.fetch(forFilesIn: peers.folder)
            try Shell.run("sync")
            let start = Clock.nanoseconds
            try Shell.run(line(folder))
            return Double(Clock.nanoseconds - start) / 1e9
        }
        let size = try Double(Shell.output("stat -c %s \(peers.corpus)/big/0").trimmingCharacters(in: .newlines)) ?? 0
        return [
            .putBig: try size / 1e6 / seconds("big"),
            .putSmall: try seconds("small") / Double(Corpus.smallCount) * 1e6,
        ]
    }
}
