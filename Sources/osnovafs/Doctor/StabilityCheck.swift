internal import Foundation
internal import Glibc
internal import Keyring
internal import Mounting
internal import OsnovaStorage
internal import Primitives
internal import SystemPackage

/// Mounts a store twice and compares everything that backup programs go by.
struct StabilityCheck {
    private let root: DataRoot
    private let keys: KeyHierarchy
    private let place: String

    /// Entries that are compared at most: a store may have millions.
    private static let limit = 100_000

    init(root: DataRoot, keys: KeyHierarchy) throws {
        self.root = root
        self.keys = keys
        var template = Array("\(NSTemporaryDirectory())/osnovafs-doctor-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Errno(rawValue: errno).failure("making a directory to mount on", kind: .cannotCreate)
        }
        place = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Runs both mounts; nothing of them is left, by a signal that ends the program either.
    func run() -> Diagnosis.Finding {
        let signals = HeldSignals(HeldSignals.ending)
        defer { signals.release() }
        defer { rmdir(place) }
        let subject = "two mounts"
        do {
            let first = try portrait(signals)
            let second = try portrait(signals)
            if let change = zip(first, second).first(where: { $0 != $1 }) {
                return Diagnosis.Finding(
                    subject, .bad, "differ: \(Table.printable(change.0)) became \(Table.printable(change.1))")
            }
            guard first.count == second.count else {
                return Diagnosis.Finding(subject, .bad, "differ: \(first.count) and \(second.count) entries")
            }
            return Diagnosis.Finding(
                subject, .good, "numbers, sizes, times, links and order of \(first.count) entries are the same")
        } catch {
            return Diagnosis.Finding(subject, .bad, "\(error)")
        }
    }

    private func portrait(_ signals: HeldSignals) throws -> [String] {
        try DriverProcess.start(root: root, mountpoint: place, options: ["scrub=off"], keys: keys)
        defer { try? Unmounting.unmount(place) }
        var lines: [String] = []
        try walk("", &lines, signals)
        return lines
    }

    private func walk(_ directory: String, _ lines: inout [String], _ signals: HeldSignals) throws {
        guard !signals.isPending else { throw OsnovaError(.denied, "interrupted") }
        guard let stream = opendir("\(place)/\(directory)") else {
            throw Errno(rawValue: errno).failure("listing \(directory)")
        }
        var directories: [String] = []
        while let entry = readdir(stream), lines.count < Self.limit {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            var status = stat()
            let path = "\(directory)/\(name)"
            // A name that is no UTF-8 is compared by its place in the listing alone.
            guard lstat("\(place)\(path)", &status) == 0 else { continue }
            lines.append(
                "\(path) inode \(status.st_ino) size \(status.st_size) links \(status.st_nlink) "
                    + "time \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) "
                    + "change \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec) place \(telldir(stream))")
            if status.st_mode & S_IFMT == S_IFDIR { directories.append(path) }
        }
        closedir(stream)
        for directory in directories { try walk(directory, &lines, signals) }
    }
}
