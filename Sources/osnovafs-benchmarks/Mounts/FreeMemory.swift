internal import Glibc

/// Free memory as a machine without a host above it has it.
///
/// A virtual machine may give its free memory back to its host (free page reporting), and pays up to 10 µs a page to get it
/// again: a read whose pages come from there takes two to four times as long, whichever filesystem serves it.
enum FreeMemory {
    /// More than the largest file of a comparison, and no more than a quarter of the machine's.
    private static let wanted = 1 << 30

    /// Takes free memory and frees it again, so that what is measured next finds it there.
    static func fetch() {
        let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        let count = min(wanted, machine / 4)
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE
        guard let memory = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED else { return }
        munmap(memory, count)
    }

    /// The same for a file that is about to be written: its pages come in large pieces, which memory of a process leaves alone.
    static func fetch(forFilesIn folder: String) {
        fetch()
        let path = "\(folder)/free-memory"
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        let piece = [UInt8](repeating: 1, count: 1 << 20)
        for _ in 0..<wanted / piece.count where write(file, piece, piece.count) != piece.count { break }
        // Gone before it comes to the disk, for the most part.
        unlink(path)
        close(file)
    }
}
