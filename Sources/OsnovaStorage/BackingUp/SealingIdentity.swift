internal import Primitives
internal import Sealing
internal import SystemPackage

/// What tells two sealed files of one name apart without reading them.
struct SealingIdentity: Equatable {
    let nonce: [UInt8]
    let size: Int64

    init(of file: OwnedDescriptor, path: String) throws {
        do {
            var bytes = [UInt8](repeating: 0, count: Int(SealedLayout.nonceSize))
            let count = try bytes.withUnsafeMutableBytes { try SystemCalls.read(file, into: $0, at: 0) }
            nonce = Array(bytes.prefix(count))
            size = try SystemCalls.status(of: file).size
        } catch let error as Errno {
            throw error.failure("reading \(path)", kind: .inputOutput)
        }
    }

    /// A directory's name for sealings like this.
    var name: String { "\(Hexadecimal.string(nonce))-\(size)" }
}
