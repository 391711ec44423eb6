internal import Mounting
internal import OsnovaStorage

/// Tells what mounts found damaged when they verified blobs in the background.
enum KnownDamageCheck {
    /// Nothing where there is no store.
    static func findings(in root: DataRoot) -> [Diagnosis.Finding] {
        guard root.hasDatabase else { return [] }
        let damaged: [KnownDamage]
        do {
            let store = try Store.open(at: root, keys: nil)
            damaged = try store.knownDamage()
            try store.close()
        } catch {
            return [.init("blobs", .limited, "not looked at: \(error)")]
        }
        guard let first = damaged.first else {
            return [.init("blobs", .good, "none is known to be damaged; 'osnovafs verify' reads them all")]
        }
        return [
            .init(
                "blobs", .limited,
                "\(damaged.count) damaged, such as \(first.sha256): osnovafs verify --repair --from BACKUP")
        ]
    }
}
