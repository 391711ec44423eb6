internal import ArgumentParser
internal import OsnovaStorage

struct CompressionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compression",
        abstract: "Say whether new content is compressed, or change it.",
        discussion: """
            With 'on', content that shrinks by a twentieth or more is compressed (zstd) before it is sealed; other content \
            is sealed as it is. What is stored stays as it is, and 'put --compress' and '--no-compress' go before this.

            A program that knows only plain sealed blobs finds a zstd file where it expects the content; 'zstd -d' opens \
            it. So this is off unless it is turned on.
            """)

    enum Setting: String, ExpressibleByArgument, CaseIterable {
        case on, off
    }

    @OptionGroup var store: StoreOptions

    @Argument(help: "What it is to be; without it, what it is.")
    var setting: Setting?

    private struct Outcome: Encodable {
        let compression: Bool
    }

    func run() throws {
        let opened = try store.open()
        if let setting { try opened.catalog.write { try $0.setCompression(setting == .on) } }
        let isOn = try opened.catalog.read { try $0.compresses() }
        try opened.close()
        if store.json { return try Terminal.sayJSON(Outcome(compression: isOn)) }
        Terminal.say("compression is \(isOn ? "on" : "off")")
    }
}
