internal import Mounting
internal import OsnovaStorage
internal import Primitives

/// What `-o` says of a mount: how the tree is shown, and what is done for its store meanwhile.
struct DriverOptions {
    let mount: MountOptions
    let upkeep: UpkeepSettings

    /// Reads the lists that follow `-o`.
    ///
    /// - Throws: `usage` for what is malformed or unknown.
    init(parsing lists: [String]) throws {
        mount = try MountOptions(parsing: lists, treeOptionNames: ["scrub", "cache_size"])
        var upkeep = UpkeepSettings()
        if let value = mount.treeOptions["scrub"] { upkeep.scrub = try Self.scrub(value) }
        if let value = mount.treeOptions["cache_size"] {
            guard let size = SizeArgument(argument: value) else {
                throw OsnovaError(
                    .usage, "mount option cache_size=\(value): the value must be a size such as 500M or 2G")
            }
            upkeep.cacheSize = size.bytes
        }
        self.upkeep = upkeep
    }

    /// `off`, a time after which each blob is verified again, or bytes a second.
    private static func scrub(_ value: String) throws -> UpkeepSettings.Scrub? {
        if value == "off" { return nil }
        if let period = Quantity.parse(value, units: ["h": 3600, "d": 86_400, "w": 7 * 86_400], needsUnit: true) {
            return .init(period: period)
        }
        let units: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        // Without rest, but no blob twice a day: a small store would be read all the time.
        if let pace = Quantity.parse(value, units: units, needsUnit: true), pace > 0 {
            return .init(period: 86_400, bytesPerSecond: pace)
        }
        throw OsnovaError(
            .usage, "mount option scrub=\(value): the value must be off, a time such as 30d, or a pace such as 10M")
    }
}
