internal import Primitives
internal import SystemPackage

/// The exit codes of `sysexits.h` that this program uses; none changes its meaning, none is used for two things.
struct ExitStatus: Error {
    static let done: Int32 = 0

    /// The code to end with, after everything was said.
    let code: Int32

    /// What becomes of a result that cannot be written.
    static func failure(of error: Errno, writing name: String) -> any Error {
        // Who reads no further, as `head` does, wants to hear nothing of it.
        error == .brokenPipe
            ? ExitStatus(code: code(for: .inputOutput)) : error.failure("writing \(name)", kind: .inputOutput)
    }

    /// The code for the kind of an error.
    static func code(for kind: OsnovaError.Kind) -> Int32 {
        switch kind {
        case .usage: 64
        case .damaged: 65
        case .notFound: 66
        case .unavailable: 69
        case .cannotCreate: 73
        case .inputOutput: 74
        case .busy: 75
        case .denied: 77
        }
    }
}
