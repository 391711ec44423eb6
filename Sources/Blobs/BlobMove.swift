public import Primitives
internal import SystemPackage

/// Moving what has a blob's name out of its directory.
extension BlobDirectory {
    private static let mostNames = 1000

    /// What has a blob's name, a file or something else; nil where nothing has.
    public func look(at id: ContentID) throws -> SystemCalls.Status? {
        do {
            return try SystemCalls.status(at: directory, Self.name(of: id))
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw error.failure("looking at \(path)/\(Self.name(of: id))")
        }
    }

    /// Moves what has a blob's name to another directory, under a name that is free there; a regular file can go to
    /// another disk.
    ///
    /// - Parameter judged: what is to be moved, and nothing that took its place since.
    /// - Returns: the new path; nil where something else has the name.
    public func move(_ id: ContentID, _ judged: SystemCalls.Status, to other: BlobDirectory) throws -> String? {
        let name = Self.name(of: id)
        do {
            guard try look(at: id)?.isSameFile(as: judged) == true else { return nil }
            let target: String?
            do {
                target = try rename(name, judged, to: other)
            } catch let error as Errno where error == .improperLink {
                target = try copy(id, judged, to: other)
            }
            return target.map { "\(other.path)/\($0)" }
        } catch let error as Errno {
            throw error.failure("moving \(path)/\(name) to \(other.path)")
        }
    }

    /// The new name; nil for another file, which has its name again.
    ///
    /// - Throws: `improperLink` where the directories are on two disks.
    private func rename(_ name: String, _ judged: SystemCalls.Status, to other: BlobDirectory) throws -> String? {
        let target = try other.firstFree(name) { target in
            do {
                try SystemCalls.renameKeeping(at: directory, name, to: target, in: other.directory)
                return true
            } catch .fileExists {
                return false
            }
        }
        // It may have been replaced since it was looked at. Its name may be another's by now, which is as good.
        let isJudged = try SystemCalls.status(at: other.directory, target).isSameFile(as: judged)
        if !isJudged { try? SystemCalls.renameKeeping(at: other.directory, target, to: name, in: directory) }
        try SystemCalls.synchronize(other.directory)
        try SystemCalls.synchronize(directory)
        return isJudged ? target : nil
    }

    /// The new name; the file is in its new place, durably, before it goes from the old one.
    private func copy(_ id: ContentID, _ judged: SystemCalls.Status, to other: BlobDirectory) throws -> String? {
        let (file, status) = try openWithStatus(id)
        guard status.isSameFile(as: judged) else { return nil }
        let incoming = try other.begin()
        let piece = ScratchBuffer(count: 1 << 20)
        var offset: Int64 = 0
        while case let count = try SystemCalls.read(file, into: piece.bytes, at: offset), count > 0 {
            try incoming.write(UnsafeRawBufferPointer(rebasing: piece.bytes.prefix(count)))
            offset += Int64(count)
        }
        try incoming.synchronize()
        let target = try other.firstFree(Self.name(of: id)) { try incoming.name($0, replacing: false) }
        try other.synchronize(namesOf: [incoming])
        guard try look(at: id)?.isSameFile(as: judged) == true else { return nil }
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
