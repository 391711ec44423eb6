import Catalog
import Foundation
import Keyring
import Primitives
import TestSupport
import Testing

@testable import OsnovaStorage

@Suite struct KeyCheckTests {
    private func open(_ yard: Yard, seed: UInt64) throws -> Store {
        try Store.open(at: yard.store.root, keys: Yard.keys(seed: seed))
    }

    /// A root as another program makes it: nothing in it tells its key but its blobs.
    private func foreignYard() throws -> Yard {
        let yard = try Yard()
        try yard.foreign("DELETE FROM store WHERE key = 'key_fingerprint'")
        return yard
    }

    @Test func `a store knows its own key from another`() throws {
        let yard = try Yard()
        try yard.put([Data("x".utf8)])
        #expect(kind { _ = try open(yard, seed: 2) } == .denied)
        #expect(try open(yard, seed: 1).catalog.read { try $0.keyFingerprint() } == Yard.keys().fingerprint)
    }

    @Test func `a foreign root is opened by the key that opens one of its blobs, which is remembered`() throws {
        let yard = try foreignYard()
        for seed in 0..<5 as Range<UInt64> { try yard.plant(noise(100, seed: seed)) }
        try yard.flip(digest(noise(100, seed: 3)))
        #expect(kind { _ = try open(yard, seed: 2) } == .denied)
        #expect(try yard.store.catalog.read { try $0.keyFingerprint() } == nil, "a wrong key leaves no trace")
        _ = try open(yard, seed: 1)
        #expect(try yard.store.catalog.read { try $0.keyFingerprint() } == Yard.keys().fingerprint)
        #expect(kind { _ = try open(yard, seed: 2) } == .denied)
    }

    @Test func `a foreign root without blobs takes the first key`() throws {
        let yard = try foreignYard()
        _ = try open(yard, seed: 2)
        #expect(kind { _ = try open(yard, seed: 1) } == .denied)
    }

    @Test func `files that were cut short do not hide the sound ones`() throws {
        let yard = try foreignYard()
        for number in 0..<40 {
            try yard.folder.write("root/blobs/\(digest(Data("\(number)".utf8))).enc", Data(count: number % 28))
        }
        try yard.plant(noise(5000, seed: 1))
        _ = try open(yard, seed: 1)
        #expect(try yard.store.catalog.read { try $0.keyFingerprint() } == Yard.keys().fingerprint)
    }

    @Test func `a root of files that no key opens is nobody's`() throws {
        let yard = try foreignYard()
        try yard.plant(noise(100, seed: 1), keySeed: 7)
        for seed in [1, 2] as [UInt64] { #expect(kind { _ = try open(yard, seed: seed) } == .denied) }
    }

    @Test func `a root is made once, and only a root is opened`() throws {
        let yard = try Yard()
        #expect(kind { try Store.create(at: yard.store.root, keys: Yard.keys()) } == .cannotCreate)
        let nowhere = DataRoot(path: yard.folder.path("nowhere"))
        #expect(kind { _ = try Store.open(at: nowhere, keys: nil) } == .notFound)
        #expect(!FileManager.default.fileExists(atPath: nowhere.path), "looking makes nothing")
    }

    @Test func `the data root is the one given, else the environment's`() throws {
        func path(_ given: String?, _ environment: [String: String]) throws -> String {
            try DataRoot.resolve(given, environment: environment).path
        }
        let all = ["OSNOVA_DATA_ROOT": "/o", "XDG_DATA_HOME": "/x", "HOME": "/h"]
        #expect(try path("/given", all) == "/given")
        #expect(try path(nil, all) == "/o")
        #expect(try path(nil, ["OSNOVA_DATA_ROOT": "", "XDG_DATA_HOME": "/x", "HOME": "/h"]) == "/x/osnova")
        #expect(try path(nil, ["XDG_DATA_HOME": "", "HOME": "/h"]) == "/h/.local/share/osnova")
        #expect(try path("relative", [:]) == FileManager.default.currentDirectoryPath + "/relative")
        #expect(kind { _ = try path(nil, [:]) } == .usage)
        #expect(kind { _ = try path("", all) } == .usage)
    }
}
