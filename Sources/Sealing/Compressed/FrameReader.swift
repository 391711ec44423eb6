internal import Primitives

/// Reads a content through the frames of its compressed stream.
///
/// Memory is got with the first read: a store without compressed blobs pays nothing. Used by one thread at a time.
final class FrameReader {
    private var tools: Tools?
    /// The frame that `Tools.frame` holds, and its file: many small reads fall into one.
    private var heldNumber = -1
    private weak var heldFile: OwnedDescriptor?

    private struct Tools {
        let decompressor: ZstdDecompressor
        let frame = ScratchBuffer(count: SeekTable.maximumFrameSize)
        let output = ScratchBuffer(count: StreamReader.maximumRead)
    }

    /// The bytes of content in `wanted`, which the table must have and which are at most those of one read; valid until
    /// the next call.
    ///
    /// - Parameters:
    ///   - file: whose stream it is; a frame is kept until another one, or another file, is read.
    ///   - source: the stream, verified.
    func read(
        _ wanted: Range<Int64>, of file: OwnedDescriptor, _ table: SeekTable, _ source: SeekTable.Source
    ) throws -> UnsafeRawBufferPointer {
        let tools = try tools ?? Tools(decompressor: ZstdDecompressor())
        self.tools = tools
        let first = table.frame(holding: wanted.lowerBound)
        let last = table.frame(holding: wanted.upperBound - 1)
        if first == last {
            let content = table.content(of: first)
            let start = Int(wanted.lowerBound - content.lowerBound)
            let frame = try hold(first, of: file, table, source, tools)
            return UnsafeRawBufferPointer(rebasing: frame[start..<start + wanted.count])
        }
        var next = first
        while next <= last {
            let run = Self.run(from: next, to: last, in: table)
            let bytes = try Self.piece(run.place, source)
            for number in run.frames {
                let place = table.place(of: number)
                let start = Int(place.lowerBound - run.place.lowerBound)
                let frame = UnsafeRawBufferPointer(rebasing: bytes[start..<start + place.count])
                try open(frame, table.content(of: number), wanted, tools)
            }
            next = run.frames.upperBound + 1
        }
        return UnsafeRawBufferPointer(rebasing: tools.output.bytes.prefix(wanted.count))
    }

    /// One frame's content, which stays until another is asked for.
    private func hold(
        _ number: Int, of file: OwnedDescriptor, _ table: SeekTable, _ source: SeekTable.Source, _ tools: Tools
    ) throws -> UnsafeRawBufferPointer {
        let memory = UnsafeMutableRawBufferPointer(rebasing: tools.frame.bytes.prefix(table.content(of: number).count))
        if heldNumber == number, heldFile === file { return UnsafeRawBufferPointer(memory) }
        heldFile = nil
        try tools.decompressor.decompress(Self.piece(table.place(of: number), source), filling: memory)
        (heldFile, heldNumber) = (file, number)
        return UnsafeRawBufferPointer(memory)
    }

    /// Puts what is wanted of a frame where it belongs in the output.
    private func open(
        _ frame: UnsafeRawBufferPointer, _ content: Range<Int64>, _ wanted: Range<Int64>, _ tools: Tools
    ) throws {
        let part = content.clamped(to: wanted)
        let place = Int(part.lowerBound - wanted.lowerBound)
        let target = UnsafeMutableRawBufferPointer(rebasing: tools.output.bytes[place..<place + part.count])
        if part == content { return try tools.decompressor.decompress(frame, filling: target) }
        heldFile = nil
        let memory = UnsafeMutableRawBufferPointer(rebasing: tools.frame.bytes.prefix(content.count))
        try tools.decompressor.decompress(frame, filling: memory)
        let start = Int(part.lowerBound - content.lowerBound)
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[start..<start + part.count]))
    }

    /// The frames that one read of the stream gets.
    private static func run(
        from first: Int, to last: Int, in table: SeekTable
    ) -> (frames: ClosedRange<Int>, place: Range<Int64>) {
        var place = table.place(of: first)
        var end = first
        while end < last {
            let next = table.place(of: end + 1)
            guard next.upperBound - place.lowerBound <= Int64(StreamReader.maximumRead) else { break }
            place = place.lowerBound..<next.upperBound
            end += 1
        }
        return (first...end, place)
    }

    private static func piece(_ place: Range<Int64>, _ source: SeekTable.Source) throws -> UnsafeRawBufferPointer {
        let bytes = try source(place.lowerBound, place.count)
        guard bytes.count == place.count else { throw OsnovaError.damaged("a frame is cut short") }
        return bytes
    }
}
