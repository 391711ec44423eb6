internal import ArgumentParser
internal import OsnovaStorage

/// What a figure of a mount measures, done once in a process of its own, so that `perf` can watch it.
struct MountWork: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "mount-work", shouldDisplay: false)

    @Option var figure: Figure

    @Option(help: "Where big/, mid/ and small/ are seen.")
    var root: String

    func run() throws {
        let figures = MountFigures(root: root)
        switch figure {
        case .coldSequential, .warmSequential: try figures.read("big/0")
        case .coldRandom: _ = try figures.readRandomly("big/0", reads: 3_000)
        case .coldWalk, .warmWalk: try figures.walk("small")
        case .coldSmall, .warmSmall: try figures.readAll("small")
        case .coldMiddle: try figures.readAll("mid")
        case .mountSeconds, .putBig, .putSmall, .memory:
            throw OsnovaError(.usage, "\(figure.rawValue) is no work on a mount")
        }
    }
}

extension Figure: ExpressibleByArgument {}
