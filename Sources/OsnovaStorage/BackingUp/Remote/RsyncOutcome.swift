internal import Foundation
internal import Glibc
internal import Primitives
internal import SystemPackage

/// How a run of rsync ended.
struct RsyncOutcome {
    /// Some files could not be transferred.
    static let partial: Int32 = 23
    private static let commandNotFound: Int32 = 127
    /// SSH failed, or the connection ended: errors of socket, stream and time, and SSH's own.
    private static let disconnected: Set<Int32> = [5, 10, 12, 30, 35, 255]

    let code: Int32
    /// What rsync and SSH wrote to standard error.
    let errors: String

    /// Turns a failure into an error with rsync's own first line.
    ///
    /// - Throws: `unavailable` where the machine or its rsync cannot be reached, `denied`, `inputOutput`.
    func check(_ place: RemotePlace) throws {
        guard code != 0 else { return }
        if code == Self.commandNotFound, !errors.contains("connection unexpectedly closed") {
            throw OsnovaError(.unavailable, "rsync is missing here: install the package rsync")
        }
        if errors.contains("rsync: command not found") || errors.contains("rsync: not found") {
            throw OsnovaError(.unavailable, "rsync is missing on \(place.host): install the package rsync there")
        }
        if Self.disconnected.contains(code), !errors.contains("No space left") {
            throw OsnovaError(.unavailable, "\(place.host) cannot be reached, or no longer: \(reason)")
        }
        let isFull = errors.contains("No space left") || errors.contains("quota exceeded")
        let isDenied = errors.contains("Permission denied")
        throw OsnovaError(
            isDenied ? .denied : .inputOutput,
            "\(place): \(reason)" + (isFull ? ": make room there and try again, it goes on" : ""))
    }

    /// The first line that says what happened; the last ones of rsync only sum up.
    private var reason: String {
        let lines = errors.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasPrefix("Warning: Permanently added") }
        return lines.first { !$0.hasPrefix("rsync error:") } ?? lines.first ?? "rsync ended with exit code \(code)"
    }
}

/// An unnamed file for what a program writes to standard error.
final class TemporaryErrors {
    /// Longer errors are cut.
    private static let longest = 64 << 10

    private let file: UnsafeMutablePointer<FILE>

    init() throws {
        guard let file = tmpfile() else { throw Errno(rawValue: errno).failure("making a temporary file") }
        self.file = file
        _ = fcntl(fileno(file), F_SETFD, FD_CLOEXEC)
    }

    deinit { fclose(file) }

    var handle: FileHandle { FileHandle(fileDescriptor: fileno(file), closeOnDealloc: false) }

    func text() throws -> String {
        var bytes = [UInt8](repeating: 0, count: Self.longest)
        let count = bytes.withUnsafeMutableBytes { pread(fileno(file), $0.baseAddress, $0.count, 0) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
