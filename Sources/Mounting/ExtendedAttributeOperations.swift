internal import CFuse
internal import Glibc
internal import Tree

func getExtendedAttribute(
    _ request: fuse_req_t?, _ number: fuse_ino_t, _ name: UnsafePointer<CChar>?, _ size: Int
) {
    answer(request, about: number, as: .getxattr) { context, inode in
        guard let name else { return .error(EINVAL) }
        let wanted = String(cString: name)
        if isForeign(wanted) { return .error(EOPNOTSUPP) }
        if inode == FixedNode.root.inode, wanted == DriverReference.attributeName {
            guard let name = DriverReference.name else { return .error(ENODATA) }
            return reply(Array(name.utf8), size, context)
        }
        let found = try context.worker.extendedAttributes(of: inode).first { $0.name == wanted }
        guard let found else { return .error(ENODATA) }
        return reply(found.value, size, context)
    }
}

func listExtendedAttributes(_ request: fuse_req_t?, _ number: fuse_ino_t, _ size: Int) {
    answer(request, about: number, as: .getxattr) { context, inode in
        var names: [UInt8] = []
        for attribute in try context.worker.extendedAttributes(of: inode) {
            names += attribute.name.utf8
            names.append(0)
        }
        return reply(names, size, context)
    }
}

/// Attributes of the kernel's own that no tree has; answered at once, because `ls` and `exec` ask for them on every file.
private func isForeign(_ name: String) -> Bool {
    name.hasPrefix("security.") || name.hasPrefix("system.posix_acl") || name.hasPrefix("trusted.")
}

/// A program that gives no memory asks for the size.
private func reply(_ value: [UInt8], _ size: Int, _ context: ThreadContext) -> Answer {
    if size == 0 { return .length(value.count) }
    guard value.count <= size else { return .error(ERANGE) }
    guard let bytes = context.keep(value) else { return .error(E2BIG) }
    return .bytes(bytes)
}
