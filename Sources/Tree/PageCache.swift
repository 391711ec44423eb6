/// The kernel's page cache of a mount, which takes contents before anybody asks for them.
public protocol PageCache: Sendable {
    /// Puts the whole content of a file there, so that who reads the file causes no request.
    ///
    /// May wait for a read of the same file that is being answered: never called by a thread that answers.
    ///
    /// - Returns: whether it was taken; it is not where the kernel does not know the inode.
    func store(_ content: UnsafeRawBufferPointer, of inode: UInt64) -> Bool
}
