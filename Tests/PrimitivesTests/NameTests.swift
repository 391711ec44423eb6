import Primitives
import TestSupport
import Testing

/// Content ids and the hexadecimal that names them.
@Suite struct NameTests {
    private let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    @Test func `an id is its 64 lower-case digits and its 32 bytes`() throws {
        let id = try #require(ContentID(hex: hex))
        #expect(id.hex == hex && id.description == hex)
        #expect(ContentID(bytes: try #require(Hexadecimal.bytes(hex.utf8))) == id)
        #expect(id.withUnsafeBytes { Array($0) } == bytes(hex))
    }

    @Test func `anything but 64 lower-case digits is no id`() {
        let almost = String(hex.dropLast())
        let others: [String] = [
            "", almost, "\(hex)0", hex.uppercased(), " \(almost)", "\(almost)g", "\(almost)\0", "\(almost)é",
            String(repeating: "０", count: 64), "0x\(hex.dropFirst(2))",
        ]
        for text in others { #expect(ContentID(hex: text) == nil, "\(text)") }
        #expect(ContentID(bytes: [UInt8](repeating: 0, count: 31)) == nil)
        #expect(ContentID(bytes: [UInt8](repeating: 0, count: 33)) == nil)
    }

    @Test func `hexadecimal goes there and back`() {
        for seed in 0..<50 {
            let content = [UInt8](noise(seed, seed: UInt64(seed)))
            #expect(Hexadecimal.bytes(Hexadecimal.string(content).utf8) == content)
        }
        #expect(Hexadecimal.string([0x00, 0x0F, 0xF0, 0xFF]) == "000ff0ff")
        for bad in ["0", "0g", "0G", "AA", " 00"] { #expect(Hexadecimal.bytes(bad.utf8) == nil, "\(bad)") }
    }

    @Test func `ids that differ in any byte differ`() throws {
        let zero = [UInt8](repeating: 0, count: 32)
        let all = try Set(
            (0..<32).map { index in
                var changed = zero
                changed[index] = 1
                return try #require(ContentID(bytes: changed))
            })
        #expect(all.count == 32)
    }
}
