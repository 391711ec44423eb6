internal import Primitives

/// Where the newest generation has the store's sealed files: of what nobody changed since, that is known without reading.
struct EarlierSealings {
    private let manifest: BackupManifest?
    private let missing: Set<String>
    /// Unix seconds at which the generation was begun.
    private let begun: Int64

    /// - Parameter manifest: nil where everything is to be read.
    init(_ manifest: BackupManifest?) {
        let begun = manifest.flatMap { GenerationName($0.generation)?.seconds } ?? Int64.max
        // Of a time yet to come, as after a clock that was set back, nothing can be told.
        self.manifest = begun <= Clock.seconds ? manifest : nil
        self.begun = begun
        missing = Set(manifest?.missing ?? [])
    }

    /// The path in the backup of a sealed file that is the one which the generation met; nil where it may be another.
    func path(of sealing: StoredSealing) -> String? {
        let hash = sealing.id.hex
        guard let manifest, !missing.contains(hash), sealing.status.changed / 1_000_000_000 < begun else { return nil }
        return manifest.variants[hash] ?? BackupBlobs.path(of: hash)
    }
}
