import Foundation
import TestSupport

/// A filesystem in a file, mounted through a loop device; gone with this object.
final class LoopDisk {
    enum Kind: String, CaseIterable {
        case ext4, xfs, btrfs
        /// An ext4 without a journal, as virtual machines have it.
        case unjournaled

        /// What `mount` calls it.
        fileprivate var type: String { self == .unjournaled ? "ext4" : rawValue }

        /// The least that the filesystem is content with, in MiB; the file is sparse.
        fileprivate var size: Int {
            switch self {
            case .ext4, .unjournaled: 96
            case .xfs: 320
            case .btrfs: 256
            }
        }

        fileprivate var maker: String {
            switch self {
            // Written at once: what a lazy initialization writes later is no work of the program's.
            case .ext4: "mke2fs -q -F -t ext4 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard"
            case .unjournaled: "mke2fs -q -F -t ext4 -O ^has_journal -E lazy_itable_init=0,nodiscard"
            case .xfs: "mkfs.xfs -q -f -K"
            case .btrfs: "mkfs.btrfs -q -f"
            }
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The filesystems that can be made and mounted here.
    static let kinds = Kind.allCases.filter { kind in (try? LoopDisk(kind)) != nil }
    static let obstacle = "it needs root, a loop device and the filesystem's tools"

    /// The folder of the image and the mount point.
    let folder: TemporaryFolder
    /// Where the disk is mounted.
    let mountpoint: URL
    private let kind: Kind
    private let options: String
    private var isMounted = false

    /// Makes and mounts an empty disk.
    init(_ kind: Kind, options: String = "defaults") throws {
        self.kind = kind
        self.options = options
        folder = try TemporaryFolder()
        mountpoint = folder.url.appendingPathComponent("disk")
        try FileManager.default.createDirectory(at: mountpoint, withIntermediateDirectories: true)
        try shell("truncate -s \(kind.size)M image && \(kind.maker) image")
        try mount("image")
    }

    deinit { _ = try? Program.run("/usr/bin/umount", ["--lazy", mountpoint.path]) }

    /// Runs a line in the folder.
    func shell(_ line: String) throws {
        let outcome = try Program.shell("set -e; PATH=$PATH:/usr/sbin:/sbin; \(line)", in: folder.url)
        guard outcome.code == 0 else { throw Failure(description: "\(line): \(outcome.errors)") }
    }

    /// Mounts an image of the folder.
    func mount(_ image: String) throws {
        // As a machine does when it starts: it ends with 1 where it mended something.
        if kind == .unjournaled { try shell("e2fsck -fy \(image) || [ $? -eq 1 ]") }
        try shell("mount -t \(kind.type) -o loop,\(options) \(image) disk")
        isMounted = true
    }

    /// Takes the disk away, if it is there.
    ///
    /// Lazily: what another test starts just now may have inherited a file of the disk that was open for a moment.
    func unmount() throws {
        guard isMounted else { return }
        try shell("umount --lazy disk")
        isMounted = false
    }

    /// Bytes that are in use, when everything written has arrived.
    func used() throws -> Int {
        let line = "sync -f disk; df --output=used -B1 disk | tail -1"
        let outcome = try Program.shell(line, in: folder.url)
        return Int(outcome.text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }
}
