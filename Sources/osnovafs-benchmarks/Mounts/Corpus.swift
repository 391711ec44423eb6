internal import Foundation

/// The files that every filesystem serves in a comparison: the same bytes in every run.
struct Corpus {
    static let middleCount = 400
    static let middleSize = 256 << 10
    static let smallCount = 5_000

    /// Where `big/`, `mid/` and `small/` lie.
    let folder: URL
    /// MiB in the big file.
    let bigSize: Int

    /// Makes the files unless an earlier run did.
    func make() throws {
        let stamp = folder.appendingPathComponent("complete-\(bigSize)")
        guard !FileManager.default.fileExists(atPath: stamp.path) else { return }
        try? FileManager.default.removeItem(at: folder)
        for name in ["big", "mid", "small"] {
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
        }
        var random = Sequence64(seed: 7)
        let big = folder.appendingPathComponent("big/0")
        try Data().write(to: big)
        let file = try FileHandle(forWritingTo: big)
        for _ in 0..<bigSize { try file.write(contentsOf: Self.bytes(1 << 20, &random)) }
        try file.close()
        for number in 0..<Self.middleCount {
            try Self.bytes(Self.middleSize, &random).write(to: folder.appendingPathComponent("mid/\(number)"))
        }
        for number in 0..<Self.smallCount {
            let size = 512 + Int(random.next() % 3_585)
            try Self.bytes(size, &random).write(to: folder.appendingPathComponent("small/\(number)"))
        }
        try Data().write(to: stamp)
    }

    private static func bytes(_ count: Int, _ random: inout Sequence64) -> Data {
        var data = Data(count: (count + 7) / 8 * 8)
        data.withUnsafeMutableBytes { memory in
            let words = memory.bindMemory(to: UInt64.self)
            for index in words.indices { words[index] = random.next() }
        }
        return data.prefix(count)
    }
}
