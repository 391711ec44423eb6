import Primitives
import Testing

@testable import OsnovaStorage

@Suite struct ManifestTests {
    private func manifest(_ text: String) throws -> Manifest { try Manifest(Array(text.utf8), source: "m.json") }

    @Test(arguments: [
        "", "{", "[]", "null", "\"x\"", "5", "{\"a\": 1,}x", "not JSON", "{\"id\": \"x\"} {}", "\u{0}{}",
    ]) func `what is no JSON object is refused`(text: String) {
        #expect(kind { _ = try manifest(text) } == .damaged)
    }

    @Test func `bytes that are no UTF-8 are refused, UTF-16 too`() {
        #expect(kind { _ = try Manifest([0x7B, 0xFF, 0x7D], source: "m") } == .damaged)
        let units = "{\"id\":\"x\"}".utf8
        let little: [UInt8] = units.flatMap { [$0, 0] }
        let big: [UInt8] = units.flatMap { [0, $0] }
        for sixteen in [little, big] {
            #expect(kind { _ = try Manifest(sixteen, source: "m") } == .damaged)
        }
    }

    @Test func `a byte order mark is refused, which SQLite's JSON would not take`() {
        #expect(kind { _ = try manifest("\u{FEFF}{\"id\": \"x\"}") } == .damaged)
    }

    @Test func `the text is kept byte for byte, unknown fields included`() throws {
        let text = " {\n\t\"x\" : [1, {\"y\":null}],\r\n \"id\":\"\\u0061\" } \n"
        let parsed = try manifest(text)
        #expect(parsed.text.utf8.elementsEqual(text.utf8))
        #expect(try parsed.required("id") == "a")
    }

    @Test func `fields are texts that are there, or absent`() throws {
        let parsed = try manifest(
            #"{"text": "t", "empty": "", "null": null, "number": 1, "list": [], "nul": "a\u0000b"}"#)
        #expect(try parsed.required("text") == "t")
        #expect(try parsed.optional("null") == nil && parsed.optional("none") == nil && parsed.optional("empty") == "")
        for name in ["empty", "null", "number", "list", "none", "nul"] {
            #expect(kind { _ = try parsed.required(name) } == .damaged, "\(name)")
        }
        for name in ["number", "list", "nul"] { #expect(kind { _ = try parsed.optional(name) } == .damaged) }
        #expect(try parsed.optionalFilled("text") == "t" && parsed.optionalFilled("none") == nil)
        #expect(kind { _ = try parsed.optionalFilled("empty") } == .damaged)
    }

    @Test func `a field with two names must say the same under both`() throws {
        #expect(try manifest(#"{"kind": "a"}"#).required("kind", or: "type") == "a")
        #expect(try manifest(#"{"type": "a"}"#).required("kind", or: "type") == "a")
        #expect(try manifest(#"{"kind": "a", "type": "a"}"#).required("kind", or: "type") == "a")
        for text in [#"{"kind": "a", "type": "b"}"#, "{}", #"{"type": 1}"#] {
            #expect(kind { _ = try manifest(text).required("kind", or: "type") } == .damaged)
        }
    }

    @Test func `components are objects with ids`() throws {
        for text in ["{}", #"{"components": null}"#, #"{"components": []}"#, #"{"components": [{"id": "a", "x": 1}]}"#]
        {
            try manifest(text).checkComponents()
        }
        for list in ["5", "\"x\"", "{}", "[5]", "[null]", "[{}]", #"[{"id": 5}]"#, #"[{"id": ""}]"#] {
            #expect(kind { try manifest("{\"components\": \(list)}").checkComponents() } == .damaged, "\(list)")
        }
    }
}

@Suite struct SemanticVersionTests {
    @Test(arguments: [
        "0.0.0", "1.2.3", "10.20.30", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-0.3.7", "1.0.0-x-y-z.--", "1.0.0+20130313",
        "1.0.0-beta+exp.sha.5114f85", "1.0.0+001", "1.0.0--", "99999999999999999999.0.0", "1.0.0-0A", "1.0.0+a-b-c",
    ]) func `a version`(text: String) {
        #expect(SemanticVersion(text) != nil)
    }

    @Test(arguments: [
        "", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03", "v1.2.3", "1.2.x", "1.2.-3", "1.2.3-", "1.2.3+",
        "1.2.3-01", "1.2.3-a..b", "1.2.3+a..b", "1.2.3+a+b", "1.2.3-é", " 1.2.3", "1.2.3 ", "1.2.3\n", "1..3", "١.2.3",
        "1.2.3-+b", "1.2.3\u{301}", "1.\u{301}2.3", "+1.2.3",
    ]) func `no version`(text: String) {
        #expect(SemanticVersion(text) == nil)
    }
}
