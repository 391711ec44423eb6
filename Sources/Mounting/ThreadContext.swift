internal import CFuse
internal import Glibc
internal import Primitives
internal import Tree

/// What one of libfuse's threads keeps from one request to the next, so that requests neither lock nor allocate.
final class ThreadContext {
    /// Bytes of the scratch memory: the largest extended attribute, and all that a listing is given at once.
    private static let scratchSize = 128 << 10

    let worker: any FileTreeWorker
    let tree: any FileTree
    let translation: AttributeTranslation
    let advice: ListingAdvice
    let place: LookupPlaces.Place
    let counters: DriveCounters
    /// Directory pages and extended attributes on their way to the kernel.
    let scratch = ScratchBuffer(count: scratchSize)
    private let name = ScratchBuffer(count: FileName.longest + 1)

    private init(server: Server, isPatient: Bool) throws {
        do {
            let longReads = server.longReads
            worker =
                isPatient ? try server.tree.makePatientWorker { longReads.isEnding } : try server.takeWorker()
        } catch {
            throw OsnovaError(.unavailable, "no worker for a thread of the mount: \(error)")
        }
        tree = server.tree
        translation = server.translation
        advice = server.advice
        place = server.places.makePlace()
        counters = tree.metrics.makeCounters()
    }

    /// Copies bytes to where they stay until the thread's next request; nil where they are too many.
    func keep(_ bytes: [UInt8]) -> UnsafeRawBufferPointer? {
        guard bytes.count <= scratch.bytes.count else { return nil }
        scratch.bytes.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(rebasing: scratch.bytes.prefix(bytes.count))
    }

    /// A name with the NUL that libfuse wants, until the next name; nil for one that no file can have, for which the
    /// kernel would refuse the whole listing.
    func keepName(_ bytes: UnsafeRawBufferPointer) -> UnsafePointer<CChar>? {
        guard FileName.isFit(bytes) else { return nil }
        name.bytes.copyMemory(from: bytes)
        name.bytes[bytes.count] = 0
        return name.bytes.baseAddress.map { UnsafePointer($0.assumingMemoryBound(to: CChar.self)) }
    }

    /// The calling thread's context; made by its first request, released when the thread ends.
    ///
    /// Each mount has threads of its own, so a thread's context always belongs to the request's mount.
    ///
    /// - Parameter isPatient: whether it is the thread of reads that wait for long.
    static func current(for request: fuse_req_t, isPatient: Bool) throws -> ThreadContext {
        if let kept = pthread_getspecific(key) {
            return Unmanaged<ThreadContext>.fromOpaque(kept).takeUnretainedValue()
        }
        guard let server = Server.of(request) else {
            throw OsnovaError(.unavailable, "a request without a mount")
        }
        let context = try ThreadContext(server: server, isPatient: isPatient)
        let kept = Unmanaged.passRetained(context)
        guard pthread_setspecific(key, kept.toOpaque()) == 0 else {
            kept.release()
            throw OsnovaError(.unavailable, "no memory for a thread of the mount")
        }
        return context
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { kept in
            guard let kept else { return }
            Unmanaged<ThreadContext>.fromOpaque(kept).release()
        }
        return key
    }()
}
