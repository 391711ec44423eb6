import Foundation
import Primitives
import TestSupport
import Testing
import Tree

@Suite struct FileNameTests {
    private func name(_ id: String) throws -> String { String(decoding: try FileName.encode(id), as: UTF8.self) }

    private func digest(_ bytes: [UInt8]) throws -> [UInt8] {
        Array(try bytes.withUnsafeBytes { try SHA256.digest($0) }.hex.utf8)
    }

    private func isFit(_ name: [UInt8]) -> Bool { name.withUnsafeBytes { FileName.isFit($0) } }

    @Test(
        arguments: [
            "com.example.app": "com.example.app", "ant://a/b": "ant:%2F%2Fa%2Fb", "100%": "100%25", "%2F": "%252F",
            "tab\tline\n": "tab%09line%0A", "\u{7F}\u{1F}": "%7F%1F", "": "%", ".": "%2E", "..": "%2E%2E",
            "...": "...", ".hidden": ".hidden", "a.": "a.", "~": "~", "e\u{301} \u{E9}": "e\u{301} \u{E9}",
        ])
    func `an id becomes its name`(id: String, expected: String) throws {
        #expect(try name(id).utf8.elementsEqual(expected.utf8))
    }

    @Test func `bytes that are no text stand for themselves`() throws {
        #expect(
            try FileName.encode([0xFF, 0x2F, 0x80, 0x00]) == [0xFF] + Array("%2F".utf8) + [0x80] + Array("%00".utf8))
    }

    @Test func `a name of 255 bytes is whole, one of 256 is cut and ends in its digest`() throws {
        let whole = [UInt8](repeating: UInt8(ascii: "a"), count: 255)
        #expect(try FileName.encode(whole) == whole)
        let long = whole + [UInt8(ascii: "b")]
        let cut = try FileName.encode(long)
        #expect(cut == long.prefix(190) + [UInt8(ascii: "~")] + (try digest(long)))
        // 86 escapes are 258 bytes, and the digest is that of the escaped name.
        let slashes = try FileName.encode([UInt8](repeating: UInt8(ascii: "/"), count: 86))
        let escaped = Array(String(repeating: "%2F", count: 86).utf8)
        #expect(slashes == escaped.prefix(189) + [UInt8(ascii: "~")] + (try digest(escaped)))
    }

    @Test(arguments: ["/", "%", "é", "€", "😀"], 180..<192)
    func `a cut never falls within an escape or a character`(unit: String, before: Int) throws {
        let id =
            String(repeating: "a", count: before) + String(repeating: unit, count: 40)
            + String(repeating: "z", count: 80)
        let cut = try FileName.encode(id)
        let kept = Array(cut.dropLast(65))
        #expect(cut.count <= 255 && cut.count >= 250)
        #expect(String(validating: kept, as: UTF8.self) != nil)
        let spelled = unit == "/" ? "%2F" : unit == "%" ? "%25" : unit
        let whole = String(repeating: "a", count: before) + String(repeating: spelled, count: 40)
        #expect(whole.utf8.starts(with: kept))
        #expect((kept.count - before) % spelled.utf8.count == 0 || kept.count < before)
    }

    /// Only a name can be told from a cut one that never looks like it.
    @Test func `an id that is spelled like a cut name has another name`() throws {
        for padding in 0..<6 {
            let long =
                Array(String(repeating: "x", count: 185 + padding).utf8) + Array(String(repeating: "😀", count: 40).utf8)
            let cut = try FileName.encode(long)
            let imitation = try FileName.encode(cut)
            #expect(imitation != cut)
            #expect(isFit(imitation))
            #expect(try FileName.encode(imitation) != imitation)
        }
    }

    @Test func `names of files are told from what no file can be called`() {
        for name in ["", ".", "..", "a/b", "/", "a\0", "\0"] { #expect(!isFit(Array(name.utf8)), "\(name)") }
        for name in ["...", ".a", "..a", "a..", "%", " ", "\n"] { #expect(isFit(Array(name.utf8)), "\(name)") }
        #expect(isFit([0xFF, 0xFE]))
        #expect(isFit([UInt8](repeating: 1, count: 255)))
        #expect(!isFit([UInt8](repeating: 1, count: 256)))
    }

    @Test func `whatever the id, its name is fit, at most 255 bytes long, and nobody else's`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        var owners: [[UInt8]: [UInt8]] = [:]
        for _ in 0..<6000 {
            let id = randomID(&generator)
            let name = try FileName.encode(id)
            #expect(isFit(name), "seed \(seed): \(id)")
            let owner = owners.updateValue(id, forKey: name) ?? id
            #expect(owner == id, "seed \(seed): \(id) and \(owner) are both \(name)")
            if name.count < 250 { #expect(unescape(name) == id, "seed \(seed)") }
        }
    }

    /// Lengths and bytes at which something changes come often.
    private func randomID(_ generator: inout SeededGenerator) -> [UInt8] {
        let special = Array("%/.~aF2\0\n".utf8) + [0x1F, 0x7F, 0x80, 0xBF, 0xC3, 0xF0, 0xFF]
        let lengths = [0...4, 60...90, 184...192, 248...258, 0...400]
        let count = Int.random(in: lengths[Int.random(in: 0..<lengths.count, using: &generator)], using: &generator)
        let isPlain = Bool.random(using: &generator)
        return (0..<count).map { _ in
            isPlain || Bool.random(using: &generator)
                ? UInt8.random(in: 0x20...0xFF, using: &generator)
                : special[Int.random(in: 0..<special.count, using: &generator)]
        }
    }

    private func unescape(_ name: [UInt8]) -> [UInt8] {
        if name == [UInt8(ascii: "%")] { return [] }
        var id: [UInt8] = []
        var rest = name[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                id.append(value)
                rest = rest.dropFirst(2)
            } else {
                id.append(byte)
            }
        }
        return id
    }
}
