import Foundation
import TestSupport
import Testing

/// A filesystem of its own in a file, from which the power can be taken.
///
/// It is mounted through a loop device. What a program wrote and nobody made durable lies in the kernel's memory, not in the
/// file: so a copy of the file is the disk as a power cut would leave it, and mounting the copy is the machine's next start.
final class PowerCutDisk {
    /// What of the unsynchronized work arrives on the disk before the power goes.
    enum Loss: String, CaseIterable {
        /// Nothing: neither names nor contents.
        case everything
        /// Names arrive, contents do not: some other program has the journal written. Files are then empty.
        case contents
        /// Names arrive, and the contents of every other file.
        case someContents
    }

    enum Kind: String, CaseIterable {
        case ext4, xfs

        /// The least that the filesystem is content with, in MiB; the file is sparse.
        var size: Int { self == .ext4 ? 96 : 320 }

        var maker: String {
            // Written at once: what a lazy initialization writes later is no unsynchronized work of ours.
            self == .ext4
                ? "mke2fs -q -F -t ext4 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard" : "mkfs.xfs -q -f -K"
        }

        /// No help by the filesystem for programs that forget to synchronize, and no commit by the clock.
        var options: String { self == .ext4 ? "noauto_da_alloc,commit=600" : "nouuid" }
    }

    /// Why the power cannot be cut here; nil where it can.
    static func obstacle(_ kind: Kind) -> String? {
        guard getuid() == 0 else { return "only root can mount a disk of its own" }
        guard let probe = try? PowerCutDisk(kind) else { return "\(kind) cannot be made or mounted here" }
        withExtendedLifetime(probe) {}
        return nil
    }

    private let kind: Kind
    private let folder: TemporaryFolder
    /// Where the disk is mounted.
    let mountpoint: URL

    private var image: String { folder.path("image") }
    private func template() -> String { folder.path("template") }

    /// Makes and mounts an empty disk.
    init(_ kind: Kind) throws {
        self.kind = kind
        folder = try TemporaryFolder()
        mountpoint = folder.url.appendingPathComponent("disk")
        try FileManager.default.createDirectory(at: mountpoint, withIntermediateDirectories: true)
        try shell("truncate -s \(kind.size)M image && \(kind.maker) image")
        try mount(image)
    }

    deinit { _ = try? Program.run("/usr/bin/umount", ["--lazy", mountpoint.path]) }

    private func shell(_ line: String) throws {
        let outcome = try Program.shell("set -e; PATH=$PATH:/usr/sbin:/sbin; \(line)", in: folder.url)
        guard outcome.code == 0 else { throw Failure(description: "\(line): \(outcome.errors)") }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private func mount(_ image: String) throws {
        try shell("mount -t \(kind) -o loop,\(kind.options) \(image) disk")
    }

    private func unmount() throws { try shell("umount disk") }

    // MARK: Trials

    /// Makes what is on the disk the state in which each trial begins.
    func keepAsTemplate() throws {
        try unmount()
        try shell("cp --sparse=always image template")
        try mount(image)
    }

    /// Puts the disk back to the state in which trials begin.
    func reset() throws {
        try unmount()
        try shell("cp --sparse=always template image")
        try mount(image)
    }

    /// Cuts the power, once for each way to lose what was not synchronized, and starts again each time.
    ///
    /// The losses come in their order: each lets a little more arrive than the one before it.
    func cutPower(_ losses: [Loss], restarted: (Loss) throws -> Void) throws {
        for loss in losses {
            switch loss {
            case .everything: break
            case .contents: try shell("touch disk/stranger && sync disk/stranger disk")
            case .someContents:
                try shell("find disk -type f -printf '%i %p\\n' | awk '$1 % 2 {print $2}' | xargs -r sync")
            }
            try shell("cp --sparse=always image after-\(loss)")
        }
        try unmount()
        for loss in losses {
            try mount("after-\(loss)")
            defer { try? unmount() }
            try restarted(loss)
        }
        try mount(image)
    }
}
