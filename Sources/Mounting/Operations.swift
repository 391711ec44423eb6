internal import CFuse
internal import Glibc
internal import Tree

// libfuse runs these functions on its own threads, so none may belong to an actor: they are functions of the file.

/// The requests that this driver answers.
///
/// The missing ones change something, which the kernel refuses itself with EROFS, or are answered ENOSYS by libfuse, after
/// which the kernel does not ask again (FLUSH) or works by itself (ACCESS, thanks to `default_permissions`).
func makeOperations() -> fuse_lowlevel_ops {
    var operations = fuse_lowlevel_ops()
    operations.`init` = startConnection
    operations.lookup = lookUpName
    operations.forget = forgetInode
    operations.forget_multi = forgetInodes
    operations.getattr = getAttributes
    operations.readlink = readLink
    operations.open = openFile
    operations.read = readFile
    operations.opendir = openDirectory
    operations.readdir = readDirectory
    operations.readdirplus = readDirectoryWithAttributes
    operations.statfs = getStatistics
    operations.getxattr = getExtendedAttribute
    operations.listxattr = listExtendedAttributes
    return operations
}

private func startConnection(_: UnsafeMutableRawPointer?, _ connection: UnsafeMutablePointer<fuse_conn_info>?) {
    guard let connection else { return }
    ConnectionSettings.apply(to: &connection.pointee)
}

private func lookUpName(_ request: fuse_req_t?, _ parent: fuse_ino_t, _ name: UnsafePointer<CChar>?) {
    answer(request, about: parent, as: .lookup) { context, directory in
        guard let name else { return .error(EINVAL) }
        let bytes = UnsafeRawBufferPointer(start: name, count: strlen(name))
        // The kernel's own limit is 1,024 bytes.
        guard bytes.count <= FileName.longest else { return .error(ENAMETOOLONG) }
        context.place.enter(parent)
        context.advice.lookedUp(in: parent)
        guard let attributes = try context.worker.lookup(bytes, in: directory) else { return .error(ENOENT) }
        return .entry(context.translation.entry(attributes))
    }
}

// Inode numbers are database rows, so there is no table from which an inode could be forgotten; but a tree may hold the
// content of a removed one for those who still read it.

private func forgetInode(_ request: fuse_req_t?, _ number: fuse_ino_t, _ lookups: UInt64) {
    guard let request else { return }
    Server.of(request)?.tree.forget(number, lookups: lookups)
    fuse_reply_none(request)
}

private func forgetInodes(_ request: fuse_req_t?, _ count: Int, _ list: UnsafeMutablePointer<fuse_forget_data>?) {
    guard let request else { return }
    if let tree = Server.of(request)?.tree {
        for entry in UnsafeBufferPointer(start: list, count: list == nil ? 0 : max(0, count)) {
            tree.forget(entry.ino, lookups: entry.nlookup)
        }
    }
    fuse_reply_none(request)
}

private func getAttributes(
    _ request: fuse_req_t?, _ number: fuse_ino_t, _: UnsafeMutablePointer<fuse_file_info>?
) {
    answer(request, about: number, as: .getattr) { context, inode in
        guard let attributes = try context.worker.attributes(of: inode) else { return .error(ENOENT) }
        return .attributes(
            context.translation.status(attributes), AttributeTranslation.validity(attributes.lifetime))
    }
}

private func readLink(_ request: fuse_req_t?, _ number: fuse_ino_t) {
    answer(request, about: number, as: .readlink) { context, inode in
        let target = try context.worker.target(of: inode)
        guard let bytes = context.keep(target) else { return .error(ENAMETOOLONG) }
        return .bytes(bytes)
    }
}

// ENOSYS tells the kernel that files and directories need no opening: it never asks again, and keeps their pages and
// listings from one opening to the next.

private func openFile(_ request: fuse_req_t?, _: fuse_ino_t, _: UnsafeMutablePointer<fuse_file_info>?) {
    fuse_reply_err(request, ENOSYS)
}

private func openDirectory(_ request: fuse_req_t?, _: fuse_ino_t, _: UnsafeMutablePointer<fuse_file_info>?) {
    fuse_reply_err(request, ENOSYS)
}

private func readFile(
    _ request: fuse_req_t?, _ number: fuse_ino_t, _ count: Int, _ offset: off_t,
    _: UnsafeMutablePointer<fuse_file_info>?
) {
    answerRead(request, number, count, offset, patiently: false)
}

/// Reads a file; where that takes long, patiently or later.
func answerRead(_ request: fuse_req_t?, _ number: fuse_ino_t, _ count: Int, _ offset: off_t, patiently: Bool) {
    answer(request, about: number, as: .read, patiently: patiently) { context, inode in
        guard let request, offset >= 0, count >= 0 else { return .error(EINVAL) }
        do {
            let bytes = try context.worker.read(inode, at: Int64(offset), count: count)
            context.counters.count(bytes: bytes.count, of: context.worker.contentKind(of: inode))
            return .bytes(UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
        } catch let long as LongRead where !patiently {
            guard let server = Server.of(request) else { throw long }
            try server.longReads.add(.init(request: request, inode: number, offset: offset, count: count))
            return .later
        }
    }
}

private func getStatistics(_ request: fuse_req_t?, _ number: fuse_ino_t) {
    answer(request, about: number, as: .statfs) { context, _ in
        .statistics(DiskTranslation.statistics(try context.tree.diskUsage()))
    }
}
