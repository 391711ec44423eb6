internal import Glibc
internal import Keyring
internal import Primitives
internal import SystemPackage

/// What the waiting command and the background driver say to each other over a socket that the driver inherits.
///
/// The master key goes one way, until its end; then one message comes back: `ready`, or an exit code and a line.
struct DriverChannel: Sendable {
    private static let ready = "ready"

    private let socket: OwnedDescriptor

    /// Takes the driver's end.
    init(inherited number: Int32) throws {
        socket = OwnedDescriptor(FileDescriptor(rawValue: number))
        guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else {
            throw OsnovaError(.usage, "--driver-channel is for the program's own use")
        }
    }

    private init(_ socket: OwnedDescriptor) {
        self.socket = socket
    }

    /// Makes both ends, and has `start` hand one on to the process that it starts.
    ///
    /// That end closes here at once: while this process had it too, it would wait for ever for a driver that died.
    static func open(to start: (_ inherited: Int32) throws -> pid_t) throws -> (channel: DriverChannel, driver: pid_t) {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Errno(rawValue: errno).failure("starting the driver")
        }
        let channel = DriverChannel(OwnedDescriptor(FileDescriptor(rawValue: ends[0])))
        defer { close(ends[1]) }
        return (channel, try start(ends[1]))
    }

    // MARK: The waiting command's side

    func send(_ keys: KeyHierarchy) {
        keys.master.withUnsafeBytes { transmit($0) }
        shutdown(socket.number, Int32(SHUT_WR))
    }

    /// Waits until the driver serves; nil where it ended without a word.
    func waitUntilReady() throws -> Bool {
        var reply = [UInt8](repeating: 0, count: 4096)
        let count = (try? reply.withUnsafeMutableBytes { try readMessage(into: $0) }) ?? 0
        let text = String(decoding: reply.prefix(count), as: UTF8.self)
        if text == Self.ready { return true }
        let parts = text.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let code = Int32(parts[0]) else { return false }
        Terminal.complain(String(parts[1]))
        throw ExitStatus(code: code)
    }

    private func readMessage(into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = read(socket.number, memory.baseAddress, memory.count)
            if count >= 0 { return count }
            if errno != EINTR { throw Errno(rawValue: errno) }
        }
    }

    // MARK: The driver's side

    func receiveKeys() throws -> KeyHierarchy {
        let master = try SecretBytes(count: KeyHierarchy.keySize) { memory in
            guard (try? SystemCalls.readStream(socket, into: memory)) == memory.count else {
                throw OsnovaError(.unavailable, "the driver got no key: mount again")
            }
        }
        return try KeyHierarchy(master: master)
    }

    func reportReady() { report(Self.ready) }

    func report(_ error: OsnovaError) {
        report("\(ExitStatus.code(for: error.kind)) \(error.message)")
    }

    private func report(_ message: String) {
        Array(message.utf8).withUnsafeBytes { transmit($0) }
    }

    /// Sends a short message whole.
    ///
    /// Where nobody reads any more, the reader's end has its own way to notice.
    private func transmit(_ bytes: UnsafeRawBufferPointer) {
        _ = Glibc.send(socket.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
