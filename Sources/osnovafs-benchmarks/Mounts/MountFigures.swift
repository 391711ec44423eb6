internal import Foundation
internal import Glibc
internal import OsnovaStorage

/// What is measured of a mounted filesystem, in the unit that its name ends in.
enum Figure: String, CaseIterable, Codable {
    case mountSeconds = "mount, s"
    case coldSequential = "cold sequential, MB/s"
    case warmSequential = "warm sequential, MB/s"
    case coldRandom = "random 4 KiB, cold, µs"
    case coldWalk = "walk with stat, cold, µs an entry"
    case warmWalk = "walk with stat, warm, µs an entry"
    case coldSmall = "small file, cold, µs"
    case warmSmall = "small file, warm, µs"
    case coldMiddle = "256 KiB files, cold, MB/s"
    case putBig = "put of the big file, MB/s"
    case putSmall = "put of the small files, µs a file"
    case memory = "resident memory, MB"
}

/// Measures one filesystem once: fresh mounts for what is cold, the second pass for what is warm.
final class MountFigures {
    /// Where the files are seen.
    let root: String
    private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)

    init(root: String) { self.root = root }

    deinit { bytes.deallocate() }

    /// Measures a filesystem that is not mounted, and leaves it so.
    func measure(_ peer: Peer) throws -> [Figure: Double] {
        var found: [Figure: Double] = [:]
        found[.mountSeconds] = try seconds {
            try Shell.run(peer.mount)
            _ = try names("small")
        }
        try peer.remount()
        let size = try Double(size(of: "big/0"))
        FreeMemory.fetch()
        found[.coldSequential] = try size / 1e6 / seconds { try read("big/0") }
        found[.warmSequential] = try size / 1e6 / seconds { try read("big/0") }
        try peer.remount()
        FreeMemory.fetch()
        found[.coldRandom] = try readRandomly("big/0", reads: 3_000)
        try peer.remount()
        FreeMemory.fetch()
        try measureSmall(&found)
        let middle = try names("mid")
        let total = Double(middle.count * Corpus.middleSize) / 1e6
        FreeMemory.fetch()
        found[.coldMiddle] = try total / seconds { try readAll("mid", middle) }
        if let process = peer.process { found[.memory] = memory(process) }
        try Shell.run(peer.unmount)
        return found
    }

    private func measureSmall(_ found: inout [Figure: Double]) throws {
        let count = Double(Corpus.smallCount)
        found[.coldWalk] = try seconds { try walk("small") } / count * 1e6
        found[.warmWalk] = try seconds { try walk("small") } / count * 1e6
        let small = try names("small")
        found[.coldSmall] = try seconds { try readAll("small", small) } / count * 1e6
        found[.warmSmall] = try seconds { try readAll("small", small) } / count * 1e6
    }

    // MARK: What programs do

    func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = Clock.nanoseconds
        try body()
        return Double(Clock.nanoseconds - start) / 1e9
    }

    func read(_ name: String) throws {
        let file = try opened(name)
        defer { close(file) }
        while true {
            let count = Glibc.read(file, bytes.baseAddress, bytes.count)
            guard count >= 0 else { throw failure(name) }
            if count == 0 { return }
        }
    }

    func readAll(_ folder: String) throws { try readAll(folder, names(folder)) }

    private func readAll(_ folder: String, _ names: [String]) throws {
        for name in names { try read("\(folder)/\(name)") }
    }

    func readRandomly(_ name: String, reads: Int) throws -> Double {
        let file = try opened(name)
        defer { close(file) }
        posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM)
        let blocks = UInt64(try size(of: name) / 4096)
        var random = Sequence64(seed: 1)
        let time = try seconds {
            for _ in 0..<reads {
                let offset = off_t(random.next() % blocks) * 4096
                guard pread(file, bytes.baseAddress, 4096, offset) == 4096 else { throw failure(name) }
            }
        }
        return time / Double(reads) * 1e6
    }

    func walk(_ name: String) throws {
        guard let directory = opendir("\(root)/\(name)") else { throw failure(name) }
        defer { closedir(directory) }
        var status = stat()
        while let entry = readdir(directory) {
            let entryName = withUnsafePointer(to: &entry.pointee.d_name) { UnsafeRawPointer($0) }
            fstatat(
                dirfd(directory), entryName.assumingMemoryBound(to: CChar.self), &status, AT_SYMLINK_NOFOLLOW)
        }
    }

    private func opened(_ name: String) throws -> Int32 {
        let file = open("\(root)/\(name)", O_RDONLY)
        guard file >= 0 else { throw failure(name) }
        return file
    }

    private func size(of name: String) throws -> Int {
        var status = stat()
        guard stat("\(root)/\(name)", &status) == 0 else { throw failure(name) }
        return Int(status.st_size)
    }

    private func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)").sorted()
    }

    private func failure(_ name: String) -> OsnovaError {
        OsnovaError(.inputOutput, "\(root)/\(name): \(String(cString: strerror(errno)))")
    }

    func memory(_ process: String) -> Double? {
        let list = try? Shell.output("ps -o rss= -p $(pgrep -d, -f -- '\(process)' | sed 's/,*$//')")
        let sizes = (list ?? "").split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        return sizes.max().map { $0 / 1024 }
    }
}
