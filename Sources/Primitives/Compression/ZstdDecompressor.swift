internal import CZstd

/// Opens Zstandard frames (RFC 8878) whose length is known, each in one call.
///
/// Memory is the caller's and the context's 150 KiB, whatever a frame claims: a frame is decompressed straight into memory
/// of the length that is expected of it. Used by one thread at a time.
public final class ZstdDecompressor {
    /// The largest window that RFC 8878 §3.1.1.1.2 asks of every decoder: 8 MiB.
    public static let maximumWindow: UInt64 = 8 << 20

    private let context: OpaquePointer

    /// Readies a decompressor.
    public init() throws {
        guard let context = ZSTD_createDCtx() else {
            throw OsnovaError(.unavailable, "libzstd has no memory for a decompressor")
        }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Decompresses one frame that must fill `output`.
    ///
    /// - Throws: `damaged` for what is not exactly one frame, holds more or fewer bytes, or asks for a larger window than
    ///   ``maximumWindow``.
    public func decompress(_ frame: UnsafeRawBufferPointer, filling output: UnsafeMutableRawBufferPointer) throws {
        guard let window = Self.window(of: frame) else { throw OsnovaError.damaged("what is no zstd frame") }
        guard window <= Self.maximumWindow else {
            throw OsnovaError.damaged("a zstd frame asks for a window of \(window) bytes")
        }
        guard ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count) == frame.count else {
            throw OsnovaError.damaged("a zstd frame is cut short or followed by something")
        }
        let count = ZSTD_decompressDCtx(context, output.baseAddress, output.count, frame.baseAddress, frame.count)
        guard ZSTD_isError(count) == 0 else {
            throw OsnovaError.damaged("a zstd frame: \(String(cString: ZSTD_getErrorName(count)))")
        }
        guard count == output.count else {
            throw OsnovaError.damaged("a zstd frame holds \(count) bytes, not \(output.count)")
        }
    }

    /// The window that a frame asks for (RFC 8878 §3.1.1.1); nil where it does not begin as a frame does.
    ///
    /// libzstd tells it in the unstable part of its interface alone.
    static func window(of frame: UnsafeRawBufferPointer) -> UInt64? {
        guard frame.count >= 6, UInt32(littleEndian: frame.loadUnaligned(as: UInt32.self)) == 0xFD2F_B528 else {
            return nil
        }
        let isSingleSegment = frame[4] & 0x20 != 0
        if isSingleSegment {
            // The window is the content, whose length such a frame must tell.
            let length = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
            return length >= UInt64.max - 1 ? nil : length
        }
        let exponent = UInt64(frame[5] >> 3)
        let base = UInt64(1) << (10 + exponent)
        return base + base / 8 * UInt64(frame[5] & 7)
    }
}
