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
