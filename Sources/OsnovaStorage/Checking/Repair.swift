internal import Blobs
internal import Catalog
internal import Glibc
internal import Primitives

/// Makes sound what a verification found wrong; deletes nothing.
///
/// Sound files without a row are taken up, wrong rows of sound files made anew, damaged and missing files fetched from a
/// backup; a damaged file that nothing can replace is moved to `quarantine/`.
public struct Repair: Sendable {
    private let store: Store
    private let source: RepairSource?

    /// Readies a repair.
    ///
    /// - Parameters:
    ///   - store: opened with its keys.
    ///   - source: where sound files may be had.
    public init(store: Store, from source: RepairSource?) {
        self.store = store
        self.source = source
    }

    /// Repairs what a verification, which must have run, found wrong.
    ///
    /// - Returns: the report as it is now: what could not be saved is still damaged or missing.
    public func run(_ verification: Verification, _ report: VerificationReport) throws -> VerificationReport {
        var report = report
        let rootLock = try store.lockAgainstRestoration()
        let lock = try store.blobs.lockAgainstRemoval()
        try withExtendedLifetime((rootLock, lock)) {
            // Before any of them is put away.
            for path in report.openToOthers { try Permissions.close(path, in: store.root) }
            report.openToOthers = []
            let audit = try StoreAudit(store: store)
            for trouble in verification.troubles { try repair(trouble, audit, &report) }
            try store.catalog.retryWaitingRows()
            try store.catalog.settle()
        }
        report.sort()
        return report
    }

    /// How often a content is looked at again.
    private static let attempts = 5

    private func repair(
        _ trouble: Verification.Trouble, _ audit: StoreAudit, _ report: inout VerificationReport
    ) throws {
        let id = trouble.id
        if try isCollected(trouble) { return report.remove(id) }
        switch trouble.condition {
        case .sound:
            try store.adopt(id)
            report.enter(id, "taken up")
        case .misrecorded:
            try store.adopt(id)
            report.enter(id, "its rows were made anew")
        case .damaged:
            // Again where another file took the place of the one that was judged; not for ever, since there are disks that
            // give a file another number each time.
            for _ in 0..<Self.attempts {
                if try repairDamaged(id, audit, &report) { return }
            }
            report.stays(id, "another file takes its place again and again")
        case .missing:
            guard try source?.fetch(id, into: store, audit: audit) == true else { return }
            report.enter(id, "fetched from the backup")
        }
    }

    /// Whether a content is gone with its row since it was looked at, and so is nobody's.
    private func isCollected(_ trouble: Verification.Trouble) throws -> Bool {
        // What a row of another program names, and nobody ever had, is missing all the same.
        if case .missing = trouble.condition, !trouble.isTracked { return false }
        return try store.blobs.look(at: trouble.id) == nil && !store.catalog.read { try $0.hasBlob(trouble.id) }
    }

    /// Looks at a damaged content again, and mends it or puts it away.
    ///
    /// The verdict may be hours old; whoever puts the content meanwhile is promised that it stays, so that nothing is put away
    /// but what was looked at just now.
    ///
    /// - Returns: false where another file has its name by now.
    private func repairDamaged(
        _ id: ContentID, _ audit: StoreAudit, _ report: inout VerificationReport
    ) throws -> Bool {
        let judged = try store.blobs.look(at: id)
        let look = try lookAgain(id, audit)
        if look == .sound {
            try store.adopt(id)
            report.enter(id, "was mended meanwhile")
            return true
        }
        // No file takes the place of a directory: that one goes first.
        let isDirectory = look == .damaged && judged?.type == S_IFDIR
        if isDirectory, let judged, try !quarantine(id, judged, &report) { return false }
        if try source?.fetch(id, into: store, audit: audit) == true {
            report.enter(id, "fetched from the backup")
            return true
        }
        if look == .missing {
            report.isGone(id)
            return true
        }
        guard let judged else { return false }
        return try isDirectory || look == .refused || quarantine(id, judged, &report)
    }

    private enum SecondLook {
        case sound, damaged, missing
        /// Its permissions keep it from being read: it may be sound, and stays where it is.
        case refused
    }

    /// Looks at a file once more.
    ///
    /// - Throws: what keeps this program from looking, such as a key or a descriptor that it lacks: it says nothing of the file.
    private func lookAgain(_ id: ContentID, _ audit: StoreAudit) throws -> SecondLook {
        let file: OwnedDescriptor
        do {
            file = try store.blobs.open(id)
        } catch let error as OsnovaError where error.kind == .denied {
            return .refused
        } catch let error as OsnovaError where error.kind == .notFound {
            return .missing
        } catch let error as OsnovaError where error.kind == .damaged {
            return .damaged
        }
        do {
            _ = try audit.verify(file: file, id: id)
            return .sound
        } catch let error as OsnovaError where error.kind == .damaged || error.kind == .inputOutput {
            return .damaged
        }
    }

    /// Puts away what nothing can save; what cannot be moved stays in its place, and keeps nobody from repairing the rest.
    ///
    /// - Returns: false where another file has its name by now.
    private func quarantine(
        _ id: ContentID, _ judged: SystemCalls.Status, _ report: inout VerificationReport
    ) throws -> Bool {
        do {
            guard let place = try store.quarantine(id, judged) else { return false }
            report.quarantined.append(place)
        } catch let error as OsnovaError {
            report.stays(id, error.message)
        }
        return true
    }
}

extension VerificationReport {
    fileprivate mutating func enter(_ id: ContentID, _ how: String) {
        if damaged.contains(where: { $0.sha256 == id.hex }) { ok += 1 }
        remove(id)
        repaired.append(Repair(sha256: id.hex, how: how))
    }

    fileprivate mutating func remove(_ id: ContentID) {
        let hash = id.hex
        damaged.removeAll { $0.sha256 == hash }
        missing.removeAll { $0 == hash }
        untracked.removeAll { $0 == hash }
    }

    fileprivate mutating func isGone(_ id: ContentID) {
        damaged.removeAll { $0.sha256 == id.hex }
        missing.append(id.hex)
    }

    fileprivate mutating func stays(_ id: ContentID, _ reason: String) {
        damaged = damaged.map { damage in
            damage.sha256 == id.hex
                ? Damage(sha256: damage.sha256, reason: "\(damage.reason); it stays where it is: \(reason)") : damage
        }
    }
}

extension Store {
    /// Moves a file that is not what its name says out of `blobs/`; its rows stay and tell what is missing.
    ///
    /// - Returns: where it is now; nil where it is not the file that was judged.
    fileprivate func quarantine(_ id: ContentID, _ judged: SystemCalls.Status) throws -> String? {
        let directory = try BlobDirectory(path: root.makeQuarantine())
        return try blobs.move(id, judged, to: directory)
    }
}
