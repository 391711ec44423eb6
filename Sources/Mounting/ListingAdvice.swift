internal import Synchronization

/// Decides which entries of a listing come with their attributes.
///
/// An entry with attributes spares the look-up of a program that wants them, at eight times the price of a name. The
/// kernel's own choice (READDIRPLUS_AUTO) gives attributes to the first page of a directory alone, since a program like
/// `find` reads all names before it asks for the first attribute. So attributes are given to as many entries as one
/// program is likely to read at once, and beyond that to a directory in which somebody had to look names up.
final class ListingAdvice: Sendable {
    /// Entries of a listing that are described whoever reads it: as many names as `find` reads before it looks at them.
    let describedEntries: Int

    private let listings: [Listing]

    /// The listing of one directory; two directories that share a place spoil each other's count, nothing else.
    private final class Listing: Sendable {
        let directory = Atomic<UInt64>(0)
        let entries = Atomic(0)
        let isLookedUp = Atomic(false)
    }

    init(describedEntries: Int = 131_072) {
        self.describedEntries = describedEntries
        listings = (0..<32).map { _ in Listing() }
    }

    /// Whether the page of a directory that begins at a position should have attributes.
    func describes(_ directory: UInt64, from position: UInt64) -> Bool {
        let listing = place(of: directory)
        if position == 0 || listing.directory.load(ordering: .relaxed) != directory {
            listing.entries.store(0, ordering: .relaxed)
            listing.isLookedUp.store(false, ordering: .relaxed)
            listing.directory.store(directory, ordering: .relaxed)
            return true
        }
        return listing.entries.load(ordering: .relaxed) < describedEntries
            || listing.isLookedUp.load(ordering: .relaxed)
    }

    /// Notes that a page with so many entries was listed.
    func listed(_ entries: Int, of directory: UInt64) {
        place(of: directory).entries.wrappingAdd(entries, ordering: .relaxed)
    }

    /// Notes that a name of a directory had to be looked up.
    func lookedUp(in directory: UInt64) {
        let listing = place(of: directory)
        guard listing.directory.load(ordering: .relaxed) == directory,
            listing.entries.load(ordering: .relaxed) >= describedEntries
        else { return }
        listing.isLookedUp.store(true, ordering: .relaxed)
    }

    /// The low four bits of a number tell a kind, which is the same for nearly all directories.
    private func place(of directory: UInt64) -> Listing { listings[Int((directory >> 4) % UInt64(listings.count))] }
}
