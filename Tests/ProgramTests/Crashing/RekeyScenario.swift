import Foundation
import TestSupport
import Testing

extension CrashScenario {
    private static let rekey = ["rekey", "--password-file", "password", "--new-phrase-file", "new"]

    /// Every content stays open to one of the phrases, and the next run goes on.
    static let rekeying = CrashScenario(rekey) { folder in
        var hashes = try fill(folder)
        try folder.write("text", prose(1_300_000, seed: 3))
        hashes += CrashFolder.hashes(try folder.expect(["put", "text", "--compress"] + unlocking))
        try folder.write("new", Data(Workspace.otherWords.utf8))
        try folder.write("password", Data("secret".utf8))
        try Program.shell("chmod 600 password", in: folder.url)
        try folder.expect(["password", "reset", "--new-password-file", "password"] + unlocking)
        try folder.expect(["key", "derive", "com.a", "--password-file", "password"])
        return hashes
    } inspect: { folder, hashes, ended, place in
        let byNew = try folder.run(["unlock", "--phrase-file", "new"]).code == 0
        let byOld = try folder.run(["unlock"] + unlocking).code == 0
        #expect(byNew || byOld, "\(place)")
        #expect(!byOld || ended.code != 0, "\(place): it had ended, and the old phrase still opens the store")
        try folder.check(hashes, place, by: byOld ? unlocking : ["--phrase-file", "new"])
        try folder.write("x", Data(place.utf8))
        let put = try folder.expect(["put", "x", "--password-file", "password"], place)
        // One that had ended before it was killed need not go on.
        let again = try folder.run(rekey)
        #expect(again.code == (byOld ? 0 : 64), "\(place): \(again.errors)")
        #expect(try folder.run(["unlock"] + unlocking).code == 77, "\(place)")
        for opening in [["--phrase-file", "new"], ["--password-file", "password"]] {
            try folder.check(hashes + CrashFolder.hashes(put), "\(place), again", by: opening)
        }
        let listed = try folder.expect(["key", "list"], place)
        let key = try #require(listed.lines.last?.split(separator: " ").last)
        try folder.expect(["key", "show", String(key), "--secret", "--password-file", "password"], place)
        try folder.checkStrays(place)
    }
}
