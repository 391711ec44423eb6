internal import Primitives

/// Where the newest generation has the store's sealed files: of what nobody changed since, that is known without reading.
struct EarlierSealings {
    private let manifest: BackupManifest?
    private let missing: Set<String>
    /// Unix seconds at which the generation was begun; nil where every sealed file counts as touched since.
    private let begun: Int64?

    /// - Parameters:
    ///   - manifest: nil for the first generation.
    ///   - comparesAll: whether everything is to be read.
    init(_ manifest: BackupManifest?, comparesAll: Bool) {
        self.manifest = manifest
        let begun = manifest.flatMap { GenerationName($0.generation)?.seconds }
        // Of a time yet to come, as after a clock that was set back, nothing can be told.
        self.begun = begun.flatMap { comparesAll || $0 > Clock.seconds ? nil : $0 }
        missing = Set(manifest?.missing ?? [])
    }

    /// The path in the backup that the generation has of a content, if it has that one.
    func path(of id: ContentID) -> String? {
        guard let manifest, !missing.contains(id.hex) else { return nil }
        return manifest.variants[id.hex] ?? BackupBlobs.path(of: id)
    }

    /// The path in the backup of a sealed file that is the one which the generation met; nil where it may be another.
    func path(ofUntouched sealing: StoredSealing) -> String? {
        guard let begun, sealing.status.changed / 1_000_000_000 < begun else { return nil }
        return path(of: sealing.id)
    }
}
