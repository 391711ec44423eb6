import Foundation
import Glibc

/// What another process has in its memory, as root can see it.
struct ProcessMemory {
    /// Where some bytes were found.
    struct Hit: CustomStringConvertible {
        let address: UInt64
        let region: String
        /// Whether the pages are locked against swapping and left out of core dumps.
        let isGuarded: Bool

        var description: String { "\(String(address, radix: 16)) in \(region)" }
    }

    private struct Region {
        let name: String
        let range: Range<UInt64>
        var flags: Set<Substring> = []
    }

    private static let pieceSize = 1 << 20

    private let regions: [Region]
    private let memory: Int32

    /// Opens a process's memory; nil where the system forbids it.
    init?(of process: pid_t) throws {
        memory = open("/proc/\(process)/mem", O_RDONLY | O_CLOEXEC)
        guard memory >= 0 else { return nil }
        // Foundation takes the first short read of such a file for its end.
        let text = try Program.run("/bin/cat", ["/proc/\(process)/smaps"]).text
        var regions: [Region] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.first == "VmFlags:" {
                regions[regions.count - 1].flags = Set(words.dropFirst())
            } else if let range = Self.range(words.first), words.count >= 5 {
                regions.append(Region(name: String(line), range: range))
            }
        }
        self.regions = regions.filter { $0.flags.contains("rd") && !$0.name.hasSuffix("[vvar]") }
    }

    private static func range(_ word: Substring?) -> Range<UInt64>? {
        let ends = (word ?? "").split(separator: "-").compactMap { UInt64($0, radix: 16) }
        return ends.count == 2 ? ends[0]..<ends[1] : nil
    }

    func close() { _ = Glibc.close(memory) }

    /// Every place that holds one of some bytes.
    func find(_ needles: [[UInt8]]) -> [Hit] {
        let longest = needles.map(\.count).max() ?? 0
        var buffer = [UInt8](repeating: 0, count: Self.pieceSize + longest)
        var hits: [Hit] = []
        for region in regions {
            var start = region.range.lowerBound
            while start < region.range.upperBound {
                let wanted = min(buffer.count, Int(region.range.upperBound - start))
                let count = pread(memory, &buffer, wanted, off_t(truncatingIfNeeded: start))
                if count > 0 {
                    hits += needles.compactMap { first($0, in: buffer, count: count, at: start, region) }
                }
                start += UInt64(Self.pieceSize)
            }
        }
        return hits
    }

    private func first(_ needle: [UInt8], in buffer: [UInt8], count: Int, at start: UInt64, _ region: Region) -> Hit? {
        let offset = buffer.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress, count >= needle.count else { return nil }
            let last = count - needle.count
            var next = 0
            while next <= last, let hit = memchr(base + next, Int32(needle[0]), last - next + 1) {
                next = UnsafeRawPointer(hit) - base
                if memcmp(hit, needle, needle.count) == 0 { return next }
                next += 1
            }
            return nil
        }
        return offset.map {
            Hit(
                address: start + UInt64($0), region: region.name,
                isGuarded: region.flags.contains("lo") && region.flags.contains("dd"))
        }
    }
}
