import Testing
import Tree

@testable import Mounting

struct ListingAdviceTests {
    private let directory: UInt64 = 7

    @Test func `so many entries have attributes, then names alone`() {
        let advice = ListingAdvice(describedEntries: 10)
        #expect(advice.describes(directory, from: 0))
        advice.listed(6, of: directory)
        #expect(advice.describes(directory, from: 6))
        advice.listed(6, of: directory)
        #expect(!advice.describes(directory, from: 12))
    }

    @Test func `names that are looked up bring the attributes back`() {
        let advice = ListingAdvice(describedEntries: 10)
        #expect(advice.describes(directory, from: 0))
        advice.lookedUp(in: directory)
        advice.listed(20, of: directory)
        #expect(!advice.describes(directory, from: 20), "what was looked up before says nothing")
        advice.lookedUp(in: directory + 1)
        #expect(!advice.describes(directory, from: 20))
        advice.lookedUp(in: directory)
        #expect(advice.describes(directory, from: 20))
    }

    @Test func `a listing from the beginning is counted anew`() {
        let advice = ListingAdvice(describedEntries: 10)
        _ = advice.describes(directory, from: 0)
        advice.listed(20, of: directory)
        #expect(advice.describes(directory, from: 0) && advice.describes(directory, from: 5))
    }

    @Test func `directories that were made one after another do not share a place`() {
        let advice = ListingAdvice(describedEntries: 10)
        let directories = (100..<116).map { Inode.node($0).number }
        for directory in directories {
            _ = advice.describes(directory, from: 0)
            advice.listed(20, of: directory)
        }
        #expect(directories.allSatisfy { !advice.describes($0, from: 20) })
    }

    @Test func `directories that share a place are described`() {
        let advice = ListingAdvice(describedEntries: 10)
        _ = advice.describes(directory, from: 0)
        advice.listed(20, of: directory)
        #expect(advice.describes(directory + 512, from: 20) && advice.describes(directory, from: 20))
    }
}
