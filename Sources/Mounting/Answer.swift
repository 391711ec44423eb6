internal import CFuse
internal import Glibc
internal import Primitives
internal import Tree

/// What a request is answered with.
///
/// Each operation returns one and `answer` below sends it, so no request can be forgotten or answered twice.
enum Answer {
    case entry(fuse_entry_param)
    /// Attributes and the seconds that they are valid for.
    case attributes(stat, Double)
    /// Memory that stays valid until the thread's next request.
    case bytes(UnsafeRawBufferPointer)
    /// The size of an extended attribute, for a program that asks how much memory it needs.
    case length(Int)
    case statistics(statvfs)
    case error(Int32)
    /// Another thread answers.
    case later

    /// Whether something went wrong; a name or an attribute that is not there is an answer like any other.
    var isFailure: Bool {
        guard case .error(let number) = self else { return false }
        return ![ENOENT, ENAMETOOLONG, ENODATA, EOPNOTSUPP].contains(number)
    }

    /// A failing reply means that the program gave up waiting or that the mount is gone: nobody is left to tell.
    func send(to request: fuse_req_t) {
        switch self {
        case .entry(var entry): fuse_reply_entry(request, &entry)
        case .attributes(var status, let validity): fuse_reply_attr(request, &status, validity)
        case .bytes(let bytes):
            fuse_reply_buf(request, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        case .length(let length): fuse_reply_xattr(request, length)
        case .statistics(var statistics): fuse_reply_statfs(request, &statistics)
        case .error(let number): fuse_reply_err(request, number)
        case .later: break
        }
    }
}

/// Runs an operation on an inode and sends its answer: the one place where errors become errnos and requests are counted.
func answer(
    _ request: fuse_req_t?, about number: fuse_ino_t, as kind: DriveOperation, patiently: Bool = false,
    _ operation: (ThreadContext, Inode) throws -> Answer
) {
    guard let request else { return }
    let started = Clock.monotonic
    var context: ThreadContext?
    let answer: Answer
    do {
        let current = try ThreadContext.current(for: request, isPatient: patiently)
        context = current
        if let inode = Inode(number: number) {
            answer = try operation(current, inode)
        } else {
            answer = .error(ENOENT)
        }
    } catch {
        let errorNumber = ErrorNumbers.number(of: error)
        if errorNumber == EIO { Server.of(request)?.tree.report(error, inode: number) }
        answer = .error(errorNumber)
    }
    if case .later = answer {
        context?.worker.settle()
        return
    }
    answer.send(to: request)
    context?.counters.count(kind, nanoseconds: Clock.monotonic &- started, failed: answer.isFailure)
    context?.worker.settle()
}
