internal import Primitives

/// The manifests of all generations of a backup, and which of them cannot be read.
struct BackupManifests {
    /// A generation whose manifest is damaged.
    struct Damaged {
        let name: String
        let error: OsnovaError
    }

    /// The oldest first.
    let sound: [BackupManifest]
    /// In the order of their names.
    let damaged: [Damaged]

    /// - Throws: what is no damage of a manifest, such as a file that may not be read.
    init(_ names: [String], reading read: (String) throws -> BackupManifest) throws {
        var sound: [BackupManifest] = []
        var damaged: [Damaged] = []
        for name in names {
            do {
                sound.append(try read(name))
            } catch let error as OsnovaError where error.kind == .damaged {
                damaged.append(Damaged(name: name, error: error))
            }
        }
        self.sound = sound.sorted { $0.sequence < $1.sequence }
        self.damaged = damaged
    }

    /// The names of all.
    var names: [String] { sound.map(\.generation) + damaged.map(\.name) }

    /// The number of the next generation.
    ///
    /// - Throws: `damaged` where a manifest has one that none can follow: the next would be no sound manifest.
    func nextSequence() throws -> Int {
        guard let last = sound.last else { return 1 }
        guard last.sequence < BackupManifest.largest else {
            throw OsnovaError.damaged(
                "generation \(last.generation) has a number that none can follow, which this program never gives: "
                    + "remove generations/\(last.generation).json from the backup, or name another directory")
        }
        return last.sequence + 1
    }

    /// Nil where there is none.
    ///
    /// - Throws: the damage of one that may be newer than the newest sound one: nobody is to get an older state unasked.
    func newest() throws -> BackupManifest? {
        let newest = sound.last
        let isNewer = { (damaged: Damaged) in
            newest.map { GenerationName.isNewer(damaged.name, than: $0.generation) } ?? true
        }
        guard let damaged = damaged.last(where: isNewer) else { return newest }
        let advice = newest.map { "; --generation \($0.generation) is the newest one that is sound" } ?? ""
        throw OsnovaError(damaged.error.kind, damaged.error.message + advice)
    }
}
