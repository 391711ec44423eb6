internal import Foundation
internal import OsnovaStorage

/// Says why a target was missed: its work once more over our mount, watched by `perf`.
struct MissedRow {
    let target: MountTarget
    let ratio: Double

    private static let shownLines = 10

    /// Prints the limit and where both processors' time goes.
    func explain(peers: Peers) {
        print("\n### Why \(target.figure.rawValue) has \(Figures.text(ratio)) and not \(target.text)\n")
        print(target.limit)
        do {
            let lines = try profile(peers)
            print("\n| share | process | function |\n|---:|---|---|")
            for line in lines { print("| \(line.share) | \(line.process) | `\(line.function)` |") }
        } catch {
            print("\nNo profile: \(error). It needs `perf` (Debian's linux-perf) and the right to use it.")
        }
    }

    private struct Line {
        let share: String
        let process: String
        let function: String
    }

    private func profile(_ peers: Peers) throws -> [Line] {
        let samples = "\(peers.folder)/perf.data"
        defer { try? FileManager.default.removeItem(atPath: samples) }
        try Shell.run("perf record -q -a -F 4999 -o \(samples) -- \(try prepare(peers))")
        try? Shell.run(peers.ours.unmount)
        let report = try Shell.output(
            "perf report -i \(samples) --no-children --sort comm,sym --stdio -g none 2> /dev/null | grep -v '^#'")
        return report.split(separator: "\n").prefix(Self.shownLines).compactMap(Self.line)
    }

    /// Brings our store into the state in which the work begins, and gives the line that does it.
    private func prepare(_ peers: Peers) throws -> String {
        let ours = peers.ours
        switch target.figure {
        case .putBig, .putSmall:
            let put = PutFigures(peers: peers, round: "\(Clock.seconds)-profile")
            try Shell.run("\(peers.program) init \(put.unlocking)")
            return put.ourLine(target.figure == .putBig ? "big" : "small")
        default:
            try? Shell.run(ours.unmount)
            try Shell.run(ours.mount)
            let work = { (figure: Figure) in
                "\(CommandLine.arguments[0]) mount-work --figure '\(figure.rawValue)' --root \(ours.root)"
            }
            if let before = target.figure.before { try Shell.run(work(before)) }
            return work(target.figure)
        }
    }

    /// Of a line such as `12.34%  osnovafs  [k] _copy_to_iter`; the process `swapper` is an idle processor.
    private static func line(_ text: Substring) -> Line? {
        let words = text.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count >= 4 else { return nil }
        return Line(
            share: String(words[0]), process: words[1] == "swapper" ? "idle" : String(words[1]),
            function: words[3...].joined(separator: " "))
    }
}

extension Figure {
    /// What must have been done on a fresh mount before its work begins.
    fileprivate var before: Figure? {
        switch self {
        case .warmSequential: .coldSequential
        case .warmWalk, .coldSmall, .coldMiddle: .coldWalk
        case .warmSmall: .coldSmall
        default: nil
        }
    }
}
