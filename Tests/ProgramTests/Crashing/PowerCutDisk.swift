import Foundation
import TestSupport

/// A disk from which the power can be taken.
///
/// What a program wrote and nobody made durable lies in the kernel's memory, not in the image of a mounted ``LoopDisk``. So a
/// copy of the image is the disk as a power cut would leave it, and mounting the copy is the machine's next start: the
/// filesystem's journal is replayed, and SQLite finds what its own `fsync` calls have saved.
final class PowerCutDisk {
    /// What of the unsynchronized work arrives on the disk before the power goes.
    enum Loss: String, CaseIterable {
        /// Nothing: neither names nor contents.
        case everything
        /// Names arrive, contents do not: another program had the journal written. Files are then empty.
        case contents
        /// Names arrive, and the contents of about every other file.
        case someContents
    }

    /// Filesystems whose copy can be mounted beside them.
    static let kinds = LoopDisk.kinds.filter { [.ext4, .xfs].contains($0) }

    private let disk: LoopDisk
    /// Where the disk is mounted.
    var mountpoint: URL { disk.mountpoint }

    /// Makes and mounts an empty disk.
    init(_ kind: LoopDisk.Kind) throws {
        // No help by the filesystem for programs that forget to synchronize, and no commit by the clock.
        disk = try LoopDisk(kind, options: Self.options(of: kind))
    }

    private static func options(of kind: LoopDisk.Kind) -> String {
        switch kind {
        case .ext4: "noauto_da_alloc,commit=600"
        case .xfs: "nouuid"
        case .unjournaled, .btrfs: "defaults"
        }
    }

    /// Into a new file: a filesystem that is unmounted may still write to the old one.
    private func copy(_ image: String, to other: String) throws {
        try disk.shell("cp --sparse=always --reflink=never --remove-destination \(image) \(other)")
    }

    /// Makes what is on the disk the state in which each trial begins.
    func keepAsTemplate() throws {
        try disk.shell("sync -f disk")
        try copy("image", to: "template")
    }

    /// Puts the disk back to the state in which trials begin.
    func reset() throws {
        try disk.unmount()
        try copy("template", to: "image")
        try disk.mount("image")
    }

    /// Cuts the power, once for each way to lose what was not synchronized, and starts again each time; the next trial
    /// begins with `reset`.
    ///
    /// - Parameter losses: in their order: each lets a little more arrive than the one before it.
    func cutPower(_ losses: [Loss], restarted: (Loss) throws -> Void) throws {
        for loss in losses {
            switch loss {
            case .everything: break
            case .contents: try disk.shell("touch disk/stranger && sync disk/stranger disk")
            case .someContents:
                try disk.shell("find disk -type f -printf '%i %p\\n' | awk '$1 % 2 {print $2}' | xargs -r sync")
            }
            try copy("image", to: "after-\(loss)")
        }
        try disk.unmount()
        for loss in losses {
            try disk.mount("after-\(loss)")
            defer { try? disk.unmount() }
            try restarted(loss)
        }
    }
}
