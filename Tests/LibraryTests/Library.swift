import Foundation
import OsnovaStorage
import TestSupport
import Testing

/// A database in a folder of its own.
struct Library {
    let folder: TemporaryFolder
    let catalog: Catalog

    var path: String { folder.path("osnova.db") }

    init() throws {
        folder = try TemporaryFolder()
        catalog = try Catalog(path: folder.path("osnova.db"), creating: true) { _ in nil }
    }

    /// Opens a committed database of a version.
    init(version: Int) throws {
        folder = try TemporaryFolder()
        try Self.place(version, in: folder)
        catalog = try Catalog(path: folder.path("osnova.db")) { _ in nil }
    }

    static func place(_ version: Int, in folder: TemporaryFolder) throws {
        let fixture = Fixtures.url("databases/version-\(version).db")
        try folder.write("osnova.db", Data(contentsOf: fixture))
    }

    /// Runs SQL as a foreign program does.
    @discardableResult
    func sqlite(_ sql: String, at location: SourceLocation = #_sourceLocation) throws -> String {
        try Self.sqlite(path, sql, at: location)
    }

    @discardableResult
    static func sqlite(_ path: String, _ sql: String, at location: SourceLocation = #_sourceLocation) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        process.arguments = ["-cmd", ".timeout 5000", path, sql]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(sql): \(text)", sourceLocation: location)
        return text.trimmingCharacters(in: .newlines)
    }

    @discardableResult
    func install(_ id: String, manifest: String = "{}", version: String = "1.0.0") throws -> Component {
        let component = Component(id: id, name: id, version: version, kind: .backend, manifest: manifest)
        try catalog.write { try $0.save(component) }
        return component
    }
}

/// Demands an error of a kind.
func expect(
    _ kind: OsnovaError.Kind, mentioning text: String = "", at location: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("nothing was thrown", sourceLocation: location)
    } catch let error as OsnovaError {
        #expect(error.kind == kind, "\(error)", sourceLocation: location)
        #expect(text.isEmpty || error.message.contains(text), "\(error)", sourceLocation: location)
        #expect(!error.message.contains("\n"), "one line", sourceLocation: location)
    } catch {
        Issue.record(error, sourceLocation: location)
    }
}
