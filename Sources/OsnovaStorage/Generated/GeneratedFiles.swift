internal import Foundation
internal import Primitives
internal import Synchronization
internal import SystemPackage
internal import Tree

/// The states of the files that the driver makes up: the newest of each, and those that the kernel still holds.
///
/// A file is made anew when it is looked up and its sources have changed since, at most once in ``interval``. What was
/// given out never changes: who has `osnova.db` open reads on in the state that was newest when it was opened.
///
/// `@unchecked Sendable` holds because the maker is used under `making` alone and everything else is behind `states`.
final class GeneratedFiles: @unchecked Sendable {
    /// One state of a file.
    private struct State {
        let file: GeneratedFile
        let product: FileMaker.Product
        /// How often the kernel was given it and has not let go of it.
        var lookups: UInt64 = 0
    }

    private struct States {
        var byNumber: [Int64: State] = [:]
        var newest: [GeneratedFile: (number: Int64, version: Int64?, made: UInt64)] = [:]
        var next = GeneratedFile.firstState
    }

    /// A state is not older than this, in nanoseconds, when its sources have changed.
    private static let interval: UInt64 = 500_000_000

    private let maker: FileMaker
    /// Held while a file is made: who looks up a generated file needs just that, and nobody else comes here.
    private let making = NSLock()
    private let states = Mutex(States())

    init(maker: FileMaker) {
        self.maker = maker
    }

    // MARK: The kernel's view

    /// The newest state of a file, counted as given to the kernel.
    func lookup(_ file: GeneratedFile) throws -> Attributes {
        if file == .directory { return Self.directory }
        try making.withLock { try refresh(file) }
        let found = states.withLock { states -> (Int64, State)? in
            guard let number = states.newest[file]?.number else { return nil }
            states.byNumber[number]?.lookups += 1
            return states.byNumber[number].map { (number, $0) }
        }
        guard let found else { throw OsnovaError(.inputOutput, "\(file.fileName) could not be made") }
        return Self.attributes(found.0, found.1)
    }

    /// The attributes of a state, or of the directory; nil where nobody holds it any more.
    func attributes(of number: Int64) -> Attributes? {
        if number == GeneratedFile.directory.rawValue { return Self.directory }
        return states.withLock { $0.byNumber[number].map { Self.attributes(number, $0) } }
    }

    /// Reads a state into memory; the number of bytes, less at the end.
    func read(_ number: Int64, at offset: Int64, into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let content = states.withLock({ $0.byNumber[number]?.product.content }) else {
            throw OsnovaError(.notFound, "that state of a generated file is gone")
        }
        switch content {
        case .bytes(let bytes):
            guard offset >= 0, offset < bytes.count else { return 0 }
            let part = bytes[Int(offset)...].prefix(memory.count)
            memory.copyBytes(from: part)
            return part.count
        case .file(let file):
            do {
                return try SystemCalls.read(file, into: memory, at: offset)
            } catch {
                throw error.failure("reading a generated file", kind: .inputOutput)
            }
        }
    }

    /// As what a state's bytes are counted.
    func contentKind(of number: Int64) -> ContentKind {
        states.withLock { $0.byNumber[number]?.file == .database ? .database : .generated }
    }

    /// The kernel let go of a state.
    func forget(_ number: Int64, lookups: UInt64) {
        let dropped = states.withLock { states -> State? in
            guard var state = states.byNumber[number] else { return nil }
            state.lookups -= min(state.lookups, lookups)
            states.byNumber[number] = state
            return Self.drop(number, from: &states)
        }
        withExtendedLifetime(dropped) {}
    }

    // MARK: Making

    private func refresh(_ file: GeneratedFile) throws {
        let now = Clock.monotonic
        let version = try maker.version(of: file)
        if let newest = states.withLock({ $0.newest[file] }) {
            if let version, version == newest.version { return }
            if now &- newest.made < Self.interval, version != nil { return }
        }
        // The version is from before: what is written while the file is made shows at the next look.
        let product = try file == .stamp ? makeStamp() : maker.make(file)
        let dropped = states.withLock { states -> State? in
            let previous = states.newest[file]?.number
            if let previous, let old = states.byNumber[previous], Self.isSame(old.product, product) {
                states.newest[file] = (previous, version, now)
                return State(file: file, product: product)
            }
            let number = states.next
            states.next &+= 1
            states.byNumber[number] = State(file: file, product: product)
            states.newest[file] = (number, version, now)
            return previous.flatMap { Self.drop($0, from: &states) }
        }
        withExtendedLifetime(dropped) {}
    }

    /// An empty file, newer than the files that are newer than every blob and document.
    private func makeStamp() throws -> FileMaker.Product {
        let sources: [GeneratedFile] = [.database, .checksums]
        for file in sources { try refresh(file) }
        let newest = states.withLock { states in
            sources.compactMap { states.newest[$0].flatMap { states.byNumber[$0.number]?.product.modified } }.max()
        }
        return FileMaker.Product(content: .bytes([]), size: 0, modified: (newest ?? 0) &+ 1)
    }

    /// The time is that of the digest, so two states with one time have the same bytes.
    private static func isSame(_ left: FileMaker.Product, _ right: FileMaker.Product) -> Bool {
        if case .bytes(let old) = left.content, case .bytes(let new) = right.content, !old.isEmpty { return old == new }
        return left.modified == right.modified && left.size == right.size
    }

    private static func drop(_ number: Int64, from states: inout States) -> State? {
        guard let state = states.byNumber[number], state.lookups == 0, states.newest[state.file]?.number != number
        else { return nil }
        return states.byNumber.removeValue(forKey: number)
    }

    // MARK: Attributes

    private static func attributes(_ number: Int64, _ state: State) -> Attributes {
        var attributes = Attributes(
            inode: .generated(number), kind: .file, size: state.product.size, modified: state.product.modified,
            changed: state.product.modified)
        attributes.shownInode = state.file.inode.number
        attributes.nameLifetime = .unknown
        return attributes
    }

    /// It has the same entries for ever, so one time for ever.
    private static let directory = Attributes(
        inode: GeneratedFile.directory.inode, kind: .directory, size: 0, modified: 0, changed: 0)

    /// An entry of a listing: the file itself is made when somebody looks at it.
    static func outline(_ file: GeneratedFile) -> Attributes {
        var attributes = Attributes(inode: file.inode, kind: .file, size: 0, modified: 0, changed: 0)
        attributes.isOutline = true
        return attributes
    }
}
