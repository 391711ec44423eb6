extension Store {
    /// Removes what killed commands left in the data root beside `blobs/`; what living ones are making is locked and stays.
    func removeLeftovers() throws {
        BackupStaging.removeStale(in: root)
        LockedFolder.removeStale(in: root.path, prefix: Self.makingPrefix)
        // A rekey that was killed right after its end leaves copies of the database with keys of it.
        if try catalog.read({ try $0.keyGenerations().rekey.isEmpty }) { _ = try catalog.removeCopiesWithRekey() }
        try Snapshots(store: self).removeStrayFolders()
    }
}
