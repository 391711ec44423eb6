internal import Primitives
internal import SystemPackage

/// Runs a system call on a sealed file and names a failure as what it is: the disk's, not the format's.
func reading<Result>(_ call: () throws -> Result) throws -> Result {
    do {
        return try call()
    } catch let error as Errno {
        throw error.failure("reading a sealed blob", kind: .inputOutput)
    }
}
