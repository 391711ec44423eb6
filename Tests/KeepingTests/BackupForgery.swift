import Foundation
import Primitives
import Testing

/// Changes a backup as somebody does who means harm: with SHA-256s that fit.
struct BackupForgery {
    let backup: String

    /// Changes the newest manifest's fields.
    func changeManifest(_ body: (inout [String: Any]) throws -> Void) throws {
        let folder = "\(backup)/generations"
        let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder).max())
        let url = URL(fileURLWithPath: "\(folder)/\(name)")
        let lines = try Data(contentsOf: url).split(separator: UInt8(ascii: "\n"))
        var fields = try #require(try JSONSerialization.jsonObject(with: lines[1]) as? [String: Any])
        try body(&fields)
        let manifest = try JSONSerialization.data(withJSONObject: fields) + Data("\n".utf8)
        let sum = try manifest.withUnsafeBytes { try SHA256.digest($0) }.hex
        try (Data("{\"osnova_backup\":1,\"sha256\":\"\(sum)\"}\n".utf8) + manifest).write(to: url)
    }

    /// Changes the entry of a path.
    func changeEntry(_ path: String, _ body: (inout [String: Any]) -> Void) throws {
        try changeManifest { fields in
            var entries = try #require(fields["entries"] as? [[String: Any]])
            let index = try #require(entries.firstIndex { $0["path"] as? String == path })
            body(&entries[index])
            fields["entries"] = entries
        }
    }
}
