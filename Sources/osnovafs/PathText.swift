internal import Glibc
internal import Primitives
internal import SystemPackage

extension FilePath {
    /// The path as text, for code that takes no bytes.
    ///
    /// A `string` has U+FFFD in the place of what is no UTF-8, and so is the path of something else.
    ///
    /// - Throws: a usage error for what is no UTF-8, in the path or in that of the working directory it begins in.
    var text: String {
        get throws {
            guard let text = String(validating: self), String(validating: absolute) != nil else {
                throw OsnovaError(
                    .usage,
                    "the path \(absolute.string) is not UTF-8, as it must be here: rename it, or name a link to it")
            }
            return text
        }
    }

    /// The path from the root on, with its links as they are.
    var absolute: FilePath {
        guard isRelative, let current = getcwd(nil, 0) else { return self }
        defer { free(current) }
        return FilePath(platformString: current).pushing(self)
    }
}
