import Foundation
import Glibc
import Primitives
import Synchronization
import TestSupport
import Testing
import Tree

@testable import Mounting

/// A tree that this process mounts and serves, on threads that no test runs on.
final class Mounted {
    let tree = MemoryTree()
    let folder: TemporaryFolder
    let mount: Mount
    private let ending = Ending()

    /// How the mount ended, once it has.
    final class Ending: Sendable {
        let result = Mutex<Result<Mount.Ending, any Error>?>(nil)
        let isReady = Atomic(false)
    }

    var path: String { folder.path("mnt") }

    init(_ options: [String] = [], _ fill: (MemoryTree) -> Void = { _ in }) throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path("mnt"), withIntermediateDirectories: true)
        let options = try MountOptions(parsing: options)
        fill(tree)
        let point = try MountPoint(preparing: folder.path("mnt"), dataRoot: "/nowhere", options: options)
        mount = try Mount(tree: tree, at: point, options: options)
        let (mount, ending) = (mount, ending)
        Thread.detachNewThread {
            let outcome = Result { try mount.serve { ending.isReady.store(true, ordering: .sequentiallyConsistent) } }
            ending.result.withLock { $0 = outcome }
        }
        try #require(eventually { ending.isReady.load(ordering: .sequentiallyConsistent) })
    }

    deinit { _ = try? end() }

    func end(lettingGo: Bool = true) throws -> Mount.Ending? {
        if lettingGo { tree.state.withLock { $0.stuck = nil } }
        mount.stop()
        _ = eventually { ending.result.withLock { $0 != nil } }
        return try ending.result.withLock { try $0?.get() }
    }

    func path(_ name: String) -> String { "\(path)/\(name)" }

    // MARK: System calls, which say their errno

    struct Failure: Error, Equatable { let number: Int32 }

    private func check(_ result: Int) throws -> Int {
        if result < 0 { throw Failure(number: errno) }
        return result
    }

    func status(_ name: String) throws -> stat {
        var status = stat()
        _ = try check(Int(lstat(path(name), &status)))
        return status
    }

    func read(_ name: String) throws -> [UInt8] {
        let file = try check(Int(open(path(name), O_RDONLY)))
        defer { close(Int32(file)) }
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try check(Glibc.read(Int32(file), &piece, piece.count))
            if count == 0 { return content }
            content += piece.prefix(count)
        }
    }

    func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }

    func names(_ name: String = "") throws -> [[UInt8]] {
        guard let stream = opendir(path(name)) else { throw Failure(number: errno) }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        errno = 0
        while let entry = readdir(stream) {
            names.append(withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) })
            errno = 0
        }
        if errno != 0 { throw Failure(number: errno) }
        return names.filter { $0 != [46] && $0 != [46, 46] }
    }

    func target(_ name: String) throws -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: 8192)
        let count = try check(readlink(path(name), &buffer, buffer.count))
        return buffer.prefix(count).map { UInt8(bitPattern: $0) }
    }

    private typealias GetAttribute =
        @convention(c) (
            UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int
        ) -> Int

    /// `lgetxattr(2)`, which Swift's Glibc module does not have.
    private static let getAttribute = unsafeBitCast(dlsym(nil, "lgetxattr"), to: GetAttribute.self)

    func attribute(_ attribute: String, of name: String, room: Int = 1 << 17) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: room)
        let count = try check(Self.getAttribute(path(name), attribute, &buffer, room))
        return room == 0 ? Array(repeating: 0, count: count) : Array(buffer.prefix(count))
    }
}

/// The errno that a call ends with; 0 where it succeeds.
func number(_ call: () throws -> Void) -> Int32 {
    do { try call() } catch { return (error as? Mounted.Failure)?.number ?? -1 }
    return 0
}

/// The kind of the error that a call throws; nil where it throws none of the project's.
func kind(_ call: () throws -> Void) -> OsnovaError.Kind? {
    do { try call() } catch { return (error as? OsnovaError)?.kind }
    return nil
}
