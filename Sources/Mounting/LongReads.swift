internal import CFuse
internal import Glibc
internal import Primitives
internal import Synchronization
internal import Tree

/// Reads that have to wait for long (``LongRead``), one after another on a thread of their own.
///
/// A kernel that reads ahead asks for many pieces of a file at once: they would take every thread, and hold up all else.
final class LongReads: Sendable {
    /// A read that is not answered yet.
    ///
    /// `@unchecked Sendable` holds because libfuse's requests may be answered on any thread, and one thread at a time has it.
    struct Read: @unchecked Sendable {
        let request: fuse_req_t
        let inode: fuse_ino_t
        let offset: off_t
        let count: Int
    }

    private struct State {
        var waiting: [Read] = []
        var thread: JoinableThread?
        var isEnding = false
    }

    private let state = Mutex(State())
    /// Posted for each read, and for the end.
    private let hasNews = Semaphore()

    /// Has a read answered later.
    ///
    /// - Throws: `unavailable` where there is no thread for it; then it is the caller's to answer with the error.
    func add(_ read: Read) throws {
        try state.withLock { state in
            if state.isEnding { throw OsnovaError(.unavailable, "the mount is ending") }
            if state.thread == nil { state.thread = try JoinableThread { [self] in work() } }
            state.waiting.append(read)
        }
        hasNews.post()
    }

    /// Whether nobody waits for a read any more.
    var isEnding: Bool { state.withLock { $0.isEnding } }

    /// Answers with an error what was not begun, and returns when the thread has ended, which leaves off what it is at.
    func end() {
        let (dropped, thread) = state.withLock { state in
            defer { state = State(isEnding: true) }
            return (state.waiting, state.thread)
        }
        for read in dropped { Answer.error(EIO).send(to: read.request) }
        hasNews.post()
        thread?.join()
    }

    private func work() {
        while true {
            hasNews.wait()
            let next = state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
            guard let next else { return }
            answerRead(next.request, next.inode, next.count, next.offset, patiently: true)
        }
    }
}
