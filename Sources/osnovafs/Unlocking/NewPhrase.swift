internal import Glibc
internal import Keyring
internal import Primitives

/// A recovery phrase that was made just now.
enum NewPhrase {
    /// Shows a phrase on standard error, for the only time.
    static func show(_ phrase: RecoveryPhrase, _ what: String) {
        Terminal.sayOnError("\(what) Write it down: it is shown only now.\n")
        phrase.withUnsafeBytes { words in
            _ = Glibc.write(STDERR_FILENO, "    ", 4)
            _ = Glibc.write(STDERR_FILENO, words.baseAddress, words.count)
            _ = Glibc.write(STDERR_FILENO, "\n\n", 2)
        }
    }
}
