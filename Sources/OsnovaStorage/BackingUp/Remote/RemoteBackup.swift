internal import Primitives

/// Backs a store up to another machine, of which nothing is asked but rsync and sshd; needs no key.
///
/// What the far side lacks is held fast in the data root (``BackupStaging``), then sent: files, lists, and the manifest last.
/// A run that is cut off leaves no generation, and the next goes on with what arrived. Nothing is ever overwritten that a
/// generation names. Nobody but this program may write there meanwhile: rsync has no locks.
public struct RemoteBackup {
    private let store: Store
    private let place: RemotePlace
    private let onProgress: (Int) -> Void

    /// Readies a backup to a place.
    ///
    /// - Parameter onProgress: told the bytes just sent.
    public init(store: Store, to place: RemotePlace, onProgress: @escaping (Int) -> Void = { _ in }) {
        self.store = store
        self.place = place
        self.onProgress = onProgress
    }

    /// Makes a generation.
    ///
    /// - Throws: `denied` for another store's backup, `unavailable` where the machine cannot be reached, `inputOutput` for a
    ///   full disk or a lost connection: run it again, it goes on.
    public func run() throws -> BackupReport {
        let staging = try BackupStaging(in: store)
        return try withExtendedLifetime(staging) {
            try place.naming(staging.path) {
                let far = try FarBackup(at: place, into: staging.path)
                var report = try Backup(store: store, staging: staging, far: far, onProgress: { _ in }).run()
                var sent: Int64 = 0
                try far.send { bytes in
                    sent += Int64(bytes)
                    onProgress(bytes)
                }
                report.writtenBytes = sent
                report.sharedBytes = 0
                report.damaged = report.damaged.map { place.naming(staging.path, in: $0) }
                return report
            }
        }
    }
}

/// The generations of a backup on another machine.
public struct RemoteGenerations {
    private let place: RemotePlace

    /// Names the place.
    public init(at place: RemotePlace) {
        self.place = place
    }

    /// All generations, the oldest first.
    ///
    /// - Throws: `notFound` where there is no backup.
    public func list() throws -> [BackupGeneration] {
        let scratch = try LockedFolder.scratch()
        return try withExtendedLifetime(scratch) {
            // A backup has a lock of its own.
            let path = "\(scratch.path)/backup"
            return try place.naming(path) {
                try BackupFiles.makeDirectory(path)
                guard try FarBackup(at: place, into: path).exists else { throw place.isNoBackup }
                return try BackupGenerations(backup: path).list().map { generation in
                    var generation = generation
                    generation.damage = generation.damage.map { place.naming(path, in: $0) }
                    return generation
                }
            }
        }
    }
}

extension RemotePlace {
    var isNoBackup: OsnovaError {
        OsnovaError(.notFound, "\(self) is no backup: make one with 'osnovafs backup --to \(self)'")
    }

    /// Runs `body`, and has its errors name this place and not the folder that stands for it.
    func naming<Result>(_ folder: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as OsnovaError {
            throw OsnovaError(error.kind, naming(folder, in: error.message))
        }
    }

    fileprivate func naming(_ folder: String, in message: String) -> String {
        message.replacing(folder, with: description)
    }
}
