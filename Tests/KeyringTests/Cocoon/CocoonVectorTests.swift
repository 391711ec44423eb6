import Foundation
import Primitives
import TestSupport
import Testing

@testable import Keyring

/// What the Rust crate writes, read; and what it refuses, refused.
@Suite struct CocoonVectorTests {
    @Test func `there are as many vectors as their index says`() throws {
        #expect(try CocoonVectors.load("good").count == 54)
        #expect(try CocoonVectors.load("bad").count == 90)
    }

    @Test(arguments: try CocoonVectors.load("good"))
    func `every good container opens`(vector: CocoonVectors.Vector) throws {
        let bytes = try vector.content
        let container = try vector.container(of: bytes)
        let key = try vector.key(for: container)
        if let known = vector.derivedKeyHex { #expect(Hexadecimal.string(array(key)) == known) }
        let expected = try #require(vector.firstPayloadSha256 ?? vector.payload?.sha256)
        #expect(try sha256(container.payload(key: key)) == expected)
        let streamed = try SHA256()
        try container.forEachPiece(key: key) { streamed.update($0) }
        #expect(try streamed.finish().hex == expected)
        if vector.multi == nil { #expect(container.trailing == vector.trailing ?? 0) }
        for other in vector.alsoOpensWithHex ?? [] {
            _ = try container.payload(key: vector.key(for: container, secretHex: other))
        }
    }

    @Test(arguments: try CocoonVectors.load("good").filter { $0.multi != nil })
    func `containers in one file are read one after the other`(vector: CocoonVectors.Vector) throws {
        var rest = try vector.content[...]
        var payloads: [String] = []
        while !rest.isEmpty {
            let container = try vector.container(of: Array(rest))
            payloads.append(try sha256(container.payload(key: vector.key(for: container))))
            rest = rest.suffix(Int(container.trailing))
        }
        #expect(payloads == vector.multi?.map(\.sha256))
    }

    @Test(arguments: try CocoonVectors.load("bad"))
    func `every bad container is refused with the reason that the crate gives`(vector: CocoonVectors.Vector) throws {
        let refusal = try #require(
            failure {
                let container = try vector.container(of: vector.content)
                _ = try container.payload(key: vector.key(for: container))
            })
        switch vector.real["unwrap"] {
        case "UnrecognizedFormat":
            #expect(refusal.kind == .damaged && refusal.message.contains("no Cocoon container"), "\(refusal)")
        case "Cryptography": #expect(refusal == .refusedCocoon)
        // Where the crate falls over a length that it believes, it is too short.
        default: #expect(refusal.kind == .damaged && refusal.message.contains("too short"), "\(refusal)")
        }
    }
}
