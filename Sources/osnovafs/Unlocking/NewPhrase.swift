internal import Glibc
internal import Keyring
internal import Primitives
internal import SystemPackage

/// A recovery phrase that was made just now.
enum NewPhrase {
    /// Shows a phrase on standard error, for the only time; before anything is sealed under it.
    ///
    /// - Throws: `inputOutput` where it cannot be written as a whole: nobody has the phrase then.
    static func show(_ phrase: RecoveryPhrase, _ what: String) throws {
        let stream = FileDescriptor.standardError
        do {
            try stream.writeAll(Array("\(what) Write it down: it is shown only now.\n\n    ".utf8))
            try phrase.withUnsafeBytes { _ = try stream.writeAll($0) }
            try stream.writeAll(Array("\n\n".utf8))
        } catch let error as Errno {
            throw OsnovaError(
                .inputOutput,
                "the new phrase cannot be shown on standard error (\(error)): nothing was sealed under it; "
                    + "give --phrase-out FILE")
        }
    }
}
