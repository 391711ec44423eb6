// Nothing of the product but the library: what this file names must come with that one import.
import OsnovaStorage
import TestSupport
import Testing

/// What an author of an application can write who imports `OsnovaStorage` alone.
@Suite struct OneImportTests {
    @Test func `paths, descriptors and loggers come with the library`() throws {
        let folder = try TemporaryFolder()
        let root = DataRoot(path: folder.path("root"))
        let keys = try KeyHierarchy(phrase: .generate(words: 12))
        try Store.create(at: root, keys: keys)
        let store = try Store.open(at: root, keys: keys)
        let path = FilePath(folder.path("note"))
        let file = try FileDescriptor.open(path, .readWrite, options: .create, permissions: .ownerReadWrite)
        try file.writeAll("a note".utf8)
        try file.close()
        let upload = try Uploader(store: store, recursive: false, onStored: { _ in }, onFailure: { Issue.record($0) })
        try upload.add(path, at: UploadPath(of: FilePath("notes").appending("first")))
        try upload.commit()
        let logger: Logger = StoreLog.logger(for: root, label: "test")
        logger.warning("put", metadata: ["path": "\(path)"])
        let noted = try store.catalog.read { try $0.uploadedFile(at: [Array("notes".utf8), Array("first".utf8)]) }
        let content = try #require(noted?.content)
        var read: [UInt8] = []
        try store.forEachPiece(of: content) { read += $0 }
        #expect(read == Array("a note".utf8))
        try store.close()
    }
}
