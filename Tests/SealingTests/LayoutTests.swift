import Primitives
import Sealing
import Testing

/// The arithmetic of a sealed file, up to the cipher's limit.
@Suite struct LayoutTests {
    @Test func `sizes of files and plaintexts belong together, or to none`() {
        #expect(SealedLayout.plaintextLength(ofFile: 28) == 0)
        #expect(SealedLayout.plaintextLength(ofFile: 65_564) == 65_536)
        let largest = SealedLayout.maximumLength
        #expect(largest == (256 << 30) - 64)
        #expect(SealedLayout.plaintextLength(ofFile: largest + 28) == largest)
        for size in [Int64.min, -1, 0, 27, largest + 29, .max] {
            #expect(SealedLayout.plaintextLength(ofFile: size) == nil, "\(size)")
        }
    }

    @Test func `there is a tag for each 64 KiB begun, and one for nothing`() {
        for (length, count) in [(0, 1), (1, 1), (65_536, 1), (65_537, 2), (131_072, 2), (131_073, 3)] {
            #expect(SealedLayout.chunkCount(ofLength: Int64(length)) == count)
        }
        #expect(SealedLayout.chunkCount(ofLength: SealedLayout.maximumLength) == 1 << 22)
    }

    @Test func `a blob longer than the cipher's counter is none`() throws {
        let id = try #require(ContentID(bytes: [UInt8](repeating: 0, count: 32)))
        let nonce = try #require(Nonce([UInt8](repeating: 0, count: 12)))
        #expect(SealedBlob(id: id, nonce: nonce, length: SealedLayout.maximumLength) != nil)
        for length in [Int64.min, -1, SealedLayout.maximumLength + 1, .max] {
            #expect(SealedBlob(id: id, nonce: nonce, length: length) == nil)
        }
        #expect(Nonce([UInt8](repeating: 0, count: 11)) == nil && Nonce([UInt8](repeating: 0, count: 13)) == nil)
    }
}
