extension Store {
    /// Removes what killed commands left in the data root beside `blobs/`; what living ones are making is locked and stays.
    func removeLeftovers() throws {
        BackupStaging.removeStale(in: root)
        try Snapshots(store: self).removeStrayFolders()
    }
}
