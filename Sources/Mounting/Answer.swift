internal import CFuse
internal import Glibc
internal import Tree

/// What a request is answered with.
///
/// Each operation returns one and `answer` below sends it, so no request can be forgotten or answered twice.
enum Answer {
    case entry(fuse_entry_param)
    case attributes(stat)
    /// Memory that stays valid until the thread's next request.
    case bytes(UnsafeRawBufferPointer)
    /// The size of an extended attribute, for a program that asks how much memory it needs.
    case length(Int)
    case statistics(statvfs)
    case error(Int32)

    /// A failing reply means that the program gave up waiting or that the mount is gone: nobody is left to tell.
    func send(to request: fuse_req_t) {
        switch self {
        case .entry(var entry): fuse_reply_entry(request, &entry)
        case .attributes(var status): fuse_reply_attr(request, &status, AttributeTranslation.validity)
        case .bytes(let bytes):
            fuse_reply_buf(request, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        case .length(let length): fuse_reply_xattr(request, length)
        case .statistics(var statistics): fuse_reply_statfs(request, &statistics)
        case .error(let number): fuse_reply_err(request, number)
        }
    }
}

/// Runs an operation on an inode and sends its answer: the one place where errors become errnos.
func answer(
    _ request: fuse_req_t?, about number: fuse_ino_t, _ operation: (ThreadContext, Inode) throws -> Answer
) {
    guard let request else { return }
    let answer: Answer
    do {
        if let inode = Inode(number: number) {
            answer = try operation(try ThreadContext.current(for: request), inode)
        } else {
            answer = .error(ENOENT)
        }
    } catch {
        let errorNumber = ErrorNumbers.number(of: error)
        if errorNumber == EIO { Server.of(request)?.tree.report(error, inode: number) }
        answer = .error(errorNumber)
    }
    answer.send(to: request)
}
