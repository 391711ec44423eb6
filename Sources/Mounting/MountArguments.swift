/// The words that libfuse gets for a mount.
enum MountArguments {
    static func words(for point: MountPoint, _ options: MountOptions) -> [String] {
        // No auto_unmount: a backup with deletion would take the empty directory after a crash for the truth.
        var list = [
            "ro", "nosuid", "nodev", "default_permissions", "subtype=osnovafs",
            "fsname=\(OptionList.escape(options.source ?? point.source))", "max_read=\(ConnectionSettings.largestRead)",
        ]
        if options.allowOther { list.append("allow_other") }
        if options.allowRoot { list.append("allow_root") }
        if options.forbidsPrograms { list.append("noexec") }
        if options.debug { list.append("debug") }
        return ["osnovafs", "-o", list.joined(separator: ",")]
    }
}
