internal import CZstd

/// Makes Zstandard frames (RFC 8878), each of a whole piece of memory.
///
/// The context is reused from frame to frame. Used by one thread at a time.
public final class ZstdCompressor {
    /// zstd's own default: a better level costs several times the processor for a few per cent.
    private static let level: CInt = 3

    private let context: OpaquePointer

    /// Readies a compressor.
    public init() throws {
        guard let context = ZSTD_createCCtx() else {
            throw OsnovaError(.unavailable, "libzstd has no memory for a compressor")
        }
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
    }

    deinit { ZSTD_freeCCtx(context) }

    /// The most bytes that a frame of `count` bytes takes.
    public static func bound(_ count: Int) -> Int { ZSTD_compressBound(count) }

    /// Compresses `content` into one frame, which tells its length.
    ///
    /// - Parameters:
    ///   - content: at most 2 GiB.
    ///   - output: at least ``bound(_:)`` bytes.
    /// - Returns: the bytes of the frame.
    public func compress(_ content: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = ZSTD_compress2(context, output.baseAddress, output.count, content.baseAddress, content.count)
        guard ZSTD_isError(count) == 0 else {
            throw OsnovaError(.unavailable, "libzstd failed to compress: \(String(cString: ZSTD_getErrorName(count)))")
        }
        return count
    }
}
