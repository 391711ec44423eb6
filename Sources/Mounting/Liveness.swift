internal import Glibc

/// Whether somebody answers behind a mount point.
enum Liveness {
    case answers
    /// The driver is gone.
    case dead
    /// The driver is there and does not answer: it is stopped, or waits for a disk.
    case silent

    /// Asks a mount; whatever is no mount answers as well.
    static func of(_ path: String) -> Liveness {
        guard let errorNumber = PatientCall.answer(of: { ResolvedPath.probe(path) }) else { return .silent }
        return errorNumber == ENOTCONN ? .dead : .answers
    }
}
