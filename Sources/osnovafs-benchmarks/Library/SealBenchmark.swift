internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import OsnovaStorage
internal import Sealing
internal import SystemPackage

struct SealBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal", abstract: "The library without a mount: put, get, and reads at random offsets.")

    @Option(help: "MiB of the larger blob.")
    var size = 1024

    func validate() throws { try require("size", size, in: sensibleSizes) }

    func run() throws {
        try ScratchStore.use("seal") { try measure($0.store, $0.root, $0.keys, in: $0.folder) }
    }

    private func measure(_ store: Store, _ root: DataRoot, _ keys: KeyHierarchy, in folder: URL) throws {
        let small = try put(10, folder, store)
        let large = try put(size, folder, store)
        try get(large, store)
        let costs = try [small, large].map { try readRandomly($0, root, keys) }
        print(
            "4 KiB at a random offset: \(Figures.text(costs[0])) µs in 10 MiB, \(Figures.text(costs[1])) µs in \(size) MiB"
        )
        print("ratio \(Figures.text(costs[1] / costs[0]))")
    }

    private func put(_ mebibytes: Int, _ folder: URL, _ store: Store) throws -> ContentID {
        let path = folder.appendingPathComponent("\(mebibytes)")
        try Shell.run("head -c \(mebibytes)M /dev/urandom > \(path.path)")
        let start = Clock.nanoseconds
        let batch = try PutBatch(store: store)
        let id = try batch.add(.file(FilePath(path.path))) { _, _, _ in }
        _ = try batch.commit()
        say("put", mebibytes, start)
        return id
    }

    private func get(_ id: ContentID, _ store: Store) throws {
        for _ in 0..<3 {
            let start = Clock.nanoseconds
            try store.forEachPiece(of: id) { _ in }
            say("get", size, start)
        }
    }

    /// Microseconds a read.
    private func readRandomly(_ id: ContentID, _ root: DataRoot, _ keys: KeyHierarchy) throws -> Double {
        let catalogReader = try CatalogReader(path: root.database)
        let row = try Catalog(path: root.database) { _ in nil }.read { try $0.blob(id)?.row } ?? 0
        guard let identity = try catalogReader.identity(ofBlob: row), let nonce = Nonce(identity.nonce),
            let blob = SealedBlob(id: id, nonce: nonce, extent: identity.extent)
        else { return 0 }
        let reader = try BlobReader(keys: SealingKeys(blobKey: keys.blobKey, tagKey: keys.tagKey))
        let file = try SystemCalls.open("\(root.blobs)/\(id.hex).enc", O_RDONLY)
        var random = Sequence64(seed: 1)
        let count = 5_000
        let start = Clock.nanoseconds
        for _ in 0..<count {
            let offset = Int64(random.next() % UInt64(blob.length / 4096)) * 4096
            _ = try reader.read(blob, file: file, at: offset, count: 4096) { chunks, memory in
                try copyTags(chunks, row, catalogReader, memory)
            }
        }
        return Double(Clock.nanoseconds - start) / 1e3 / Double(count)
    }

    private func copyTags(
        _ chunks: ClosedRange<Int>, _ row: Int64, _ catalog: CatalogReader, _ memory: UnsafeMutableRawBufferPointer
    ) throws {
        var page = [UInt8](repeating: 0, count: TagPage.byteCount)
        try page.withUnsafeMutableBytes {
            try catalog.copyTags(ofBlob: row, from: chunks.lowerBound / TagPage.tagCount, into: $0)
        }
        let first = chunks.lowerBound % TagPage.tagCount * Tag.byteCount
        memory.copyBytes(from: page[first..<first + chunks.count * Tag.byteCount])
    }

    private func say(_ name: String, _ mebibytes: Int, _ start: Int64) {
        let seconds = Double(Clock.nanoseconds - start) / 1e9
        print("\(name) of \(mebibytes) MiB: \(Figures.text(Double(mebibytes) * 1.048576 / seconds)) MB/s")
    }
}
