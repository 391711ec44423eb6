internal import Foundation
internal import Primitives

/// Copies between this machine and a place on another one, by rsync over SSH.
///
/// The far side needs rsync 3.2.4 or later (`--fsync`) and sshd, nothing else. `$RSYNC_RSH` says which SSH to use, as it
/// does whenever rsync runs.
struct Rsync {
    let place: RemotePlace

    /// Seconds of silence after which the connection counts as lost.
    private static let patience = 600
    /// A line for each thing that was transferred: of what kind it is in the second place, and its bytes.
    private static let eachFile = "--out-format=%i %l"

    /// The files below the place, and its directories with a slash behind their names; nil where there is no such place.
    func list() throws -> [String: FarFiles.Status]? {
        var files: [String: FarFiles.Status] = [:]
        let outcome = try run(["--recursive", "--list-only", "--no-human-readable"], [far]) { line in
            if let (path, status) = Self.entry(line) { files[path] = status }
        }
        if outcome.code == RsyncOutcome.partial, outcome.errors.contains("No such file or directory") { return nil }
        try outcome.check(place)
        return files
    }

    /// Fetches what filters let through into a directory.
    func fetch(_ filters: [String], into folder: String) throws {
        try run(["--recursive", "--times", "--chmod=D700,F600"] + filters, [far, folder + "/"]).check(place)
    }

    /// Fetches files by their paths; of one that is here under its name, only what differs travels.
    func fetch(paths: [String], into folder: String, onProgress: (Int) -> Void = { _ in }) throws {
        let list = "\(folder)/.wanted"
        guard FileManager.default.createFile(atPath: list, contents: Data(paths.joined(separator: "\n").utf8)) else {
            throw OsnovaError(.cannotCreate, "\(list) cannot be made: check its permissions and its disk")
        }
        defer { try? FileManager.default.removeItem(atPath: list) }
        let options = ["--times", "--ignore-times", "--chmod=D700,F600", "--files-from=\(list)", Self.eachFile]
        try run(options, [far, folder + "/"]) { Self.report($0, to: onProgress) }.check(place)
    }

    /// Sends what filters let through.
    ///
    /// Each file is durable there before it has its name.
    /// What rsync there could keep of one that was cut off is not sent again.
    func send(_ filters: [String], from folder: String, onProgress: (Int) -> Void = { _ in }) throws {
        let options = [
            "--recursive", "--times", "--perms", "--fsync", "--mkpath", "--chmod=D700,F600", "--partial-dir=.partial",
            "--exclude=.*", Self.eachFile,
        ]
        try run(options + filters, [folder + "/", far]) { Self.report($0, to: onProgress) }.check(place)
    }

    private static func report(_ line: Substring, to onProgress: (Int) -> Void) {
        let fields = line.split(separator: " ")
        guard fields.count == 2, fields[0].dropFirst().first == "f", let bytes = Int(fields[1]) else { return }
        onProgress(bytes)
    }

    /// A line as `ls -l` would write it: mode, bytes, date, time, path.
    private static func entry(_ line: Substring) -> (path: String, status: FarFiles.Status)? {
        let fields = line.split(separator: " ", maxSplits: 4)
        guard fields.count == 5, let size = Int64(fields[1]),
            let time = try? Date("\(fields[2].replacing("/", with: "-"))T\(fields[3])Z", strategy: .iso8601)
        else { return nil }
        let status = FarFiles.Status(size: size, modified: Int64(time.timeIntervalSince1970))
        if line.hasPrefix("d") { return fields[4] == "." ? nil : ("\(fields[4])/", status) }
        return (String(fields[4]), status)
    }

    // MARK: The program

    /// The place as rsync takes it; the slash means what is in it.
    private var far: String { "\(place.host):\(place.path)/" }

    private func run(
        _ options: [String], _ paths: [String], onLine: (Substring) -> Void = { _ in }
    ) throws -> RsyncOutcome {
        let environment = ProcessInfo.processInfo.environment
        let shell = place.port.map { ["--rsh", "\(environment["RSYNC_RSH"] ?? "ssh") -p \($0)"] } ?? []
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["rsync", "--protect-args", "--timeout=\(Self.patience)"] + shell + options + ["--"] + paths
        process.environment = environment.merging(["LC_ALL": "C", "TZ": "UTC"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        let errors = try TemporaryErrors()
        process.standardError = errors.handle
        do {
            try process.run()
        } catch {
            throw OsnovaError(.unavailable, "rsync cannot be run: \(error.localizedDescription)")
        }
        Self.forEachLine(of: output.fileHandleForReading, onLine)
        process.waitUntilExit()
        let hasExited = process.terminationReason == .exit
        return RsyncOutcome(
            code: hasExited ? process.terminationStatus : 128 + process.terminationStatus, errors: try errors.text())
    }

    private static func forEachLine(of handle: FileHandle, _ body: (Substring) -> Void) {
        var rest = Data()
        while true {
            let piece = handle.availableData
            if piece.isEmpty { return }
            rest += piece
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                body(Substring(decoding: rest[..<end], as: UTF8.self))
                rest = rest[(end + 1)...]
            }
            rest = Data(rest)
        }
    }
}
