public import Primitives
public import SystemPackage

/// The path of an uploaded file below `/files`: its components, bytes as Linux has them.
public struct UploadPath: Hashable, Sendable {
    /// The components, the last of which is the file's own name; empty for `/files` itself.
    public let components: [[UInt8]]

    /// The path under which a file is kept that was given by a path of the host.
    ///
    /// As tar does it: a leading `/` is dropped, `.` means nothing, and everything up to a `..` is dropped with it.
    public init(of path: FilePath) {
        var kept: [[UInt8]] = []
        for component in path.components {
            switch component.kind {
            case .currentDirectory: continue
            case .parentDirectory: kept.removeAll()
            case .regular: kept.append(component.bytes)
            @unknown default: kept.append(component.bytes)
            }
        }
        components = kept
    }

    private init(components: [[UInt8]]) {
        self.components = components
    }

    /// The path under which content is kept that came without a name: it is never taken by other content.
    public init(unnamed id: ContentID) {
        components = [Array(id.hex.utf8)]
    }

    /// The path of something in this directory.
    public func appending(_ name: [UInt8]) -> UploadPath {
        UploadPath(components: components + [name])
    }
}

extension FilePath.Component {
    var bytes: [UInt8] { withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: $0.length)) } }
}

extension FilePath {
    /// The path as the bytes that system calls take.
    public var bytes: [UInt8] { withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: $0.length)) } }
}

extension UnsafePointer<CChar> {
    fileprivate var length: Int {
        var count = 0
        while self[count] != 0 { count += 1 }
        return count
    }
}
