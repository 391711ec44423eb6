import Testing
import Tree

@Suite struct InodeTests {
    private let rows: [Int64] = [0, 1, 2, 63, 64, 1000, 1 << 32, (1 << 59) - 1]

    private func every(_ row: Int64) -> [Inode] {
        [.node(row), .blob(row)] + Inode.Document.allCases.map { .document($0, node: row) }
    }

    @Test func `every inode has one number, and the number leads back to it`() {
        let inodes = rows.flatMap(every)
        for inode in inodes { #expect(Inode(number: inode.number) == inode) }
        #expect(Set(inodes.map(\.number)).count == inodes.count)
        // The database keeps numbers as signed integers.
        #expect(inodes.allSatisfy { $0.number <= UInt64(Int64.max) })
    }

    @Test func `the root has the number that FUSE wants, and the numbers of every release stay the same`() {
        #expect(FixedNode.root.inode.number == 1)
        #expect(FixedNode.allCases.map(\.inode.number) == [1, 17, 33, 49, 65, 81, 97])
        #expect(every(5).map(\.number) == [81, 82, 83, 84, 85])
        let names = ["", "components", "apps", "blobs", "cache", "files", ".snapshots"]
        #expect(FixedNode.allCases.map(\.name) == names)
        #expect(Inode.Document.allCases.map(\.fileName) == ["manifest.json", "metadata.json", "status.json"])
    }

    @Test func `numbers that were never given out are nobody's`() {
        for kind in [0, 8, 9, 10, 11, 12, 13, 14, 15] as [UInt64] {
            for row in rows { #expect(Inode(number: UInt64(row) << 4 | kind) == nil) }
        }
        for number in [0, 1 << 63 | 1, UInt64.max, UInt64.max - 14] as [UInt64] {
            #expect(Inode(number: number) == nil)
        }
    }

    /// Else a row that was forged so would be served with the content of the row whose number it has.
    @Test(arguments: [-1, -5, 1 << 59, 1 << 60, (1 << 60) + 5, Int64.max, Int64.min, Int64.min + 5] as [Int64])
    func `a row beyond all numbers does not get another row's`(row: Int64) {
        for inode in every(row) { #expect(Inode(number: inode.number) == nil) }
    }
}
