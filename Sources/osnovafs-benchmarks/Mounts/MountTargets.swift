/// What a figure of ours must be beside another filesystem's in the same run.
struct MountTarget {
    enum Bound {
        case atLeast(Double)
        case atMost(Double)
    }

    let figure: Figure
    let peer: String
    let bound: Bound

    static let all = [
        MountTarget(figure: .coldSequential, peer: "gocryptfs", bound: .atLeast(2)),
        MountTarget(figure: .coldSequential, peer: "passthrough", bound: .atLeast(1.5)),
        MountTarget(figure: .warmSequential, peer: "plain", bound: .atLeast(0.8)),
        MountTarget(figure: .coldRandom, peer: "gocryptfs", bound: .atMost(1)),
        MountTarget(figure: .coldWalk, peer: "gocryptfs", bound: .atMost(0.7)),
        MountTarget(figure: .warmWalk, peer: "plain", bound: .atMost(1.4)),
        MountTarget(figure: .coldSmall, peer: "gocryptfs", bound: .atMost(0.5)),
        MountTarget(figure: .warmSmall, peer: "plain", bound: .atMost(1.6)),
        MountTarget(figure: .coldMiddle, peer: "gocryptfs", bound: .atLeast(2.5)),
        MountTarget(figure: .putBig, peer: "gocryptfs", bound: .atLeast(1.5)),
        MountTarget(figure: .putSmall, peer: "gocryptfs", bound: .atMost(1.0 / 3)),
    ]

    /// What it costs, and why it cannot cost less: for whoever finds it missed, beside a profile.
    var limit: String {
        switch figure {
        case .coldSequential:
            """
            Every byte is read out of the backing file's pages, authenticated, deciphered and taken by the kernel, page by \
            page, on all cores at once; `_copy_to_iter`, `osnova_poly1305_update`, `xor_runs` and `fuse_copy_fill` are those. \
            The reading program needs most of a core itself, and a scheduler that seems to take a sleeping processor for one \
            that is gone lets the driver interrupt it there (`idle`: the other one meanwhile).
            """
        case .warmSequential:
            """
            The driver is not asked: this is the kernel's copy out of its page cache, which has files of FUSE in pages of \
            4 KiB and the plain file in folios of up to 2 MiB. No FUSE filesystem does better on this kernel.
            """
        case .coldRandom:
            """
            A chunk tag covers 64 KiB: so much is read and authenticated for each 4 KiB, where gocryptfs reads 4 KiB. The \
            rest is the way through the kernel and the sleep of two processes that wait for each other (`idle`).
            """
        case .coldSmall, .warmSmall:
            """
            One request a file when cold, none when warm. The driver opens a sealed file, reads its row, authenticates and \
            deciphers it; the rest is the way through the kernel and the sleep of two processes (`idle`).
            """
        case .coldMiddle:
            """
            Two threads read, verify and decrypt what comes next, and the kernel takes it page by page; the program asks for \
            one file in eight.
            """
        case .putBig, .putSmall:
            """
            A file is hashed, sealed twice authenticated, made durable, named and recorded in five rows; half of it is the \
            kernel's work on inodes and names, which an ext4 without a journal does slowly after many were removed.
            """
        case .coldWalk, .warmWalk:
            "One SQL statement a page of entries when cold; the kernel answers alone when warm."
        case .mountSeconds, .memory:
            "The start of the program, and caches of fixed sizes."
        }
    }

    func isMet(_ ratio: Double) -> Bool {
        switch bound {
        case .atLeast(let least): ratio >= least
        case .atMost(let most): ratio <= most
        }
    }

    var text: String {
        switch bound {
        case .atLeast(let least): "≥ \(Figures.text(least)) × \(peer)"
        case .atMost(let most): "≤ \(Figures.text(most)) × \(peer)"
        }
    }
}

/// Numbers for tables.
enum Figures {
    /// Three digits that matter.
    static func text(_ value: Double) -> String {
        if value >= 100 { return "\(Int(value.rounded()))" }
        let scale = value >= 10 ? 10.0 : 100.0
        return "\((value * scale).rounded() / scale)"
    }

    static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}
