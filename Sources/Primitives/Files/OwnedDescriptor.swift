public import SystemPackage

/// An open file that closes with its last reference.
public final class OwnedDescriptor: Sendable {
    /// The descriptor; valid as long as this object lives.
    public let descriptor: FileDescriptor

    /// Takes over an open descriptor.
    public init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    deinit { try? descriptor.close() }

    /// The number that system calls take.
    public var number: CInt { descriptor.rawValue }
}
