internal import Primitives

/// The bits that a phrase encodes, in guarded memory: entropy, then checksum, eleven bits a word (BIP-39).
struct PackedWords {
    /// The numbers of words that BIP-39 allows.
    static let allowedCounts = [12, 15, 18, 21, 24]

    /// How many words the bits make.
    let count: Int
    private let memory: SecretScratch

    /// Readies all-zero bits for an allowed number of words.
    init(count: Int) throws {
        self.count = count
        memory = try SecretScratch(count: (count * 11 + 7) / 8)
        Sodium.wipe(memory.bytes)
    }

    /// Bits of checksum: one for every 32 of entropy, so one for every three words.
    private var checksumBits: Int { count / 3 }

    /// Bytes of entropy; the checksum is in the one after them.
    private var entropySize: Int { checksumBits * 4 }

    /// Calls `body` with the part that is chosen at random, 16 to 32 bytes; the pointer must not escape.
    func withEntropy<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result) rethrows -> Result {
        // The memory goes with its last reference, which a raw pointer is not.
        try withExtendedLifetime(memory) {
            try body(UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<entropySize]))
        }
    }

    /// The index of a word in the list, 0 to 2047.
    func word(at position: Int) -> Int {
        (position * 11..<position * 11 + 11).reduce(0) { number, bit in
            number << 1 | Int(memory.bytes[bit / 8] >> (7 - bit % 8) & 1)
        }
    }

    /// Adds a word; its place must still be zero.
    func set(_ index: Int, at position: Int) {
        for bit in 0..<11 where index >> (10 - bit) & 1 == 1 {
            let place = position * 11 + bit
            memory.bytes[place / 8] |= 0x80 >> (place % 8)
        }
    }

    /// Puts the checksum behind the entropy.
    func seal() throws {
        memory.bytes[entropySize] = try expectedChecksum()
    }

    /// Whether the bits behind the entropy are its checksum.
    func isSound() throws -> Bool {
        try memory.bytes[entropySize] == expectedChecksum()
    }

    /// The leading bits of the entropy's SHA-256, and zeros to the end of the byte, as in `memory`.
    private func expectedChecksum() throws -> UInt8 {
        let digest = try withEntropy { try SHA256.digest(UnsafeRawBufferPointer($0)) }
        return digest.withUnsafeBytes { $0[0] } & ~(0xff >> checksumBits)
    }

    /// Writes the words in lower case, joined by one space.
    func phrase() throws -> SecretBytes {
        let length = (0..<count).reduce(count - 1) { $0 + EnglishWordList.word(word(at: $1)).count }
        return try SecretBytes(count: length) { out in
            var end = 0
            for position in 0..<count {
                if position > 0 {
                    out[end] = UInt8(ascii: " ")
                    end += 1
                }
                let word = EnglishWordList.word(word(at: position))
                UnsafeMutableRawBufferPointer(rebasing: out[end...]).copyMemory(from: word)
                end += word.count
            }
        }
    }
}
