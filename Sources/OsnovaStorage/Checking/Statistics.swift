internal import Blobs
internal import Catalog
internal import Primitives

/// Counts and sizes of a store.
public struct StoreStatistics: Sendable {
    /// Blobs with a sealed file.
    public let blobCount: Int64
    /// Bytes of plaintext.
    public let plainBytes: Int64
    /// Bytes of sealed files.
    public let storedBytes: Int64
    /// Blobs whose content was compressed.
    public let compressedCount: Int64
    /// Bytes that compression saved.
    public let savedBytes: Int64
    /// Installed components.
    public let components: Int64
    /// Installed applications.
    public let applications: Int64
    /// Cached contents of the network.
    public let cacheEntries: Int64
    /// Bytes of plaintext that the cache refers to.
    public let cacheBytes: Int64
    /// Entries of the cache that no eviction takes.
    public let pinnedEntries: Int64
    /// Bytes of the database.
    public let databaseBytes: Int64
    /// How well the blobs are known to be sound; nil where no mount has verified any in the background.
    public let verification: VerificationState?
}

extension Store {
    /// Counts what is stored; needs no key.
    public func statistics() throws -> StoreStatistics {
        let counted = try catalog.read { try $0.statistics() }
        // Sizes come from rows, which may be forged.
        let sealed = counted.plainBytes.subtractingReportingOverflow(counted.savedBytes)
        let stored = sealed.partialValue.addingReportingOverflow(counted.blobCount &* Self.sealingOverhead)
        return StoreStatistics(
            blobCount: counted.blobCount, plainBytes: counted.plainBytes,
            storedBytes: sealed.overflow || stored.overflow ? Int64.max : stored.partialValue,
            compressedCount: counted.compressedCount, savedBytes: counted.savedBytes,
            components: counted.components, applications: counted.applications, cacheEntries: counted.cacheEntries,
            cacheBytes: counted.cacheBytes, pinnedEntries: counted.pinnedEntries, databaseBytes: counted.databaseBytes,
            verification: try verificationState())
    }
}
