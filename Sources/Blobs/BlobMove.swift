public import Primitives
internal import SystemPackage

/// Moving what has a blob's name out of its directory.
extension BlobDirectory {
    private static let mostNames = 1000

    /// Moves whatever has a blob's name to another directory, under a name that is free there; a regular file can go to
    /// another disk.
    ///
    /// - Returns: the new path.
    public func move(_ id: ContentID, to other: BlobDirectory) throws -> String {
        let name = Self.name(of: id)
        do {
            let target = try rename(name, to: other) ?? copy(id, to: other)
            return "\(other.path)/\(target)"
        } catch let error as Errno {
            throw error.failure("moving \(path)/\(name) to \(other.path)")
        }
    }

    /// The new name; nil where the directories are on two disks.
    private func rename(_ name: String, to other: BlobDirectory) throws -> String? {
        do {
            let target = try other.firstFree(name) { target in
                do {
                    try SystemCalls.renameKeeping(at: directory, name, to: target, in: other.directory)
                    return true
                } catch .fileExists {
                    return false
                }
            }
            try SystemCalls.synchronize(other.directory)
            try SystemCalls.synchronize(directory)
            return target
        } catch let error as Errno where error == .improperLink {
            return nil
        }
    }

    /// The new name; the file is in its new place, durably, before it goes from the old one.
    private func copy(_ id: ContentID, to other: BlobDirectory) throws -> String {
        let file = try open(id)
        let incoming = try other.begin()
        let piece = ScratchBuffer(count: 1 << 20)
        var offset: Int64 = 0
        while case let count = try SystemCalls.read(file, into: piece.bytes, at: offset), count > 0 {
            try incoming.write(UnsafeRawBufferPointer(rebasing: piece.bytes.prefix(count)))
            offset += Int64(count)
        }
        try incoming.synchronize()
        let target = try other.firstFree(Self.name(of: id)) { try incoming.name($0, replacing: false) }
        try SystemCalls.synchronize(other.directory)
        try remove(id)
        try SystemCalls.synchronize(directory)
        return target
    }

    /// The first name that `take` takes.
    private func firstFree(_ name: String, _ take: (String) throws -> Bool) throws -> String {
        for attempt in 0..<Self.mostNames {
            let target = attempt == 0 ? name : "\(name).\(attempt)"
            if try take(target) { return target }
        }
        throw OsnovaError(.cannotCreate, "\(path) has a thousand files of the name \(name): move them away")
    }
}
