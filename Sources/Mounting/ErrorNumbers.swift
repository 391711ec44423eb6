internal import Glibc
internal import Primitives

/// The errno that programs get for an error of the tree's.
enum ErrorNumbers {
    static func number(of error: any Error) -> Int32 {
        guard let error = error as? OsnovaError else { return EIO }
        return switch error.kind {
        case .notFound: ENOENT
        case .denied: EACCES
        case .usage: EINVAL
        // EAGAIN would promise a non-blocking file; a program that reads a file takes it for a defect of its own.
        case .busy, .damaged, .inputOutput, .unavailable, .cannotCreate: EIO
        }
    }
}
