internal import CLinux
internal import Glibc

/// What keeps a process's memory to itself.
public enum ProcessSecrecy {
    /// Forbids core dumps and the reading of this process's memory by others of the same user, and raises the limit of
    /// memory that is locked against swapping as far as the system allows.
    ///
    /// To be called before the first secret is there. A program that this one runs starts without the second.
    public static func begin() {
        _ = osnova_forbid_dumps()
        _ = osnova_raise_locked_memory()
    }

    /// Takes a variable out of the environment: out of what children get, and out of the memory that
    /// `/proc/PID/environ` shows.
    ///
    /// - Returns: its value; nil where it is not set or empty.
    public static func takeVariable(_ name: String) throws -> SecretBytes? {
        guard let value = getenv(name) else { return nil }
        let length = strlen(value)
        let memory = UnsafeMutableRawBufferPointer(start: value, count: length)
        defer {
            Sodium.wipe(memory)
            unsetenv(name)
        }
        return length == 0 ? nil : try SecretBytes(copying: UnsafeRawBufferPointer(memory))
    }
}
