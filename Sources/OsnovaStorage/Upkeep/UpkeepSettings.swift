/// What a mount does for its store by itself.
public struct UpkeepSettings: Sendable, Equatable {
    /// How blobs are verified in the background.
    public struct Scrub: Sendable, Equatable {
        /// Seconds after which a blob is verified again.
        public var period: Int64
        /// Bytes of sealed files read in a second, at most; above 0.
        public var bytesPerSecond: Int64

        /// A way to verify in the background.
        public init(period: Int64 = defaultPeriod, bytesPerSecond: Int64 = defaultPace) {
            self.period = period
            self.bytesPerSecond = bytesPerSecond
        }

        /// Thirty days: as often as Debian has RAID arrays and ZFS pools read.
        public static let defaultPeriod: Int64 = 30 * 86_400
        /// 16 MiB: a tenth of what a hard disk reads, some hundredths of a core.
        public static let defaultPace: Int64 = 16 << 20
    }

    /// Nil: nothing is verified in the background.
    public var scrub: Scrub? = Scrub()
    /// Bytes of plaintext that the cache may have, more is evicted; nil: nothing is.
    public var cacheSize: Int64?

    /// Every blob once in thirty days; nothing is evicted.
    public init() {}
}
