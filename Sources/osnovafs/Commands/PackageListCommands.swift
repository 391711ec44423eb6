internal import ArgumentParser
internal import Catalog
internal import OsnovaStorage
internal import Primitives

extension ComponentCommand {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List components, the newest installation first.",
            discussion: """
                --manifest asks about any value of the manifests: 'author=Ada', 'config.theme=dark', \
                'dependencies[].id=org.example.sync'. Numbers with a fraction or exponent, or beyond 64 bits, are asked for in \
                their shortest form: 1.5 for 1.50, 1000.0 for 1e3. --depends-on knows every form of a declared dependency.
                """)

        @OptionGroup var store: StoreOptions
        @OptionGroup var page: PageOptions

        @Option(help: "Just frontends or backends.")
        var kind: Component.Kind?

        @Option(help: "Just those of an author.", transform: Arguments.text)
        var author: String?

        @Option(
            help: ArgumentHelp("Just those that declare a dependency on a component.", valueName: "id"),
            transform: Arguments.text)
        var dependsOn: String?

        @Option(
            help: ArgumentHelp("Just those whose manifest has a value at a path.", valueName: "path=value"),
            transform: Arguments.text)
        var manifest: String?

        @Option(
            help: ArgumentHelp("Just those of at least a version, as semver orders them.", valueName: "version"),
            transform: Arguments.text)
        var atLeast: String?

        func validate() throws {
            let isAsked = [dependsOn, manifest, atLeast].filter { $0 != nil }.count
            guard isAsked <= 1, isAsked == 0 || (kind == nil && author == nil && page.after == nil) else {
                throw ValidationError(
                    "--depends-on, --manifest and --at-least stand alone: give one of them and no other filter.")
            }
        }

        func run() throws {
            let catalog = try store.open().catalog
            if let found = try asked(catalog) {
                return try page.say(json: store.json, as: ComponentDocument.init) { _, limit in
                    Page(rows: page.limit == nil ? found : Array(found.prefix(limit)), next: nil)
                }
            }
            let filter = ComponentFilter(kind: kind, author: author)
            try page.say(json: store.json, as: ComponentDocument.init) { cursor, limit in
                try catalog.read { try $0.components(filter, after: cursor, limit: limit) }
            }
        }

        private func asked(_ catalog: Catalog) throws -> [Component]? {
            if let dependsOn { return try catalog.components(dependingOn: dependsOn) }
            if let manifest {
                guard let equals = manifest.firstIndex(of: "=") else {
                    throw OsnovaError(.usage, "--manifest takes PATH=VALUE, such as author=Ada")
                }
                return try catalog.components(
                    whereManifest: String(manifest[..<equals]), is: String(manifest[manifest.index(after: equals)...]))
            }
            guard let atLeast else { return nil }
            guard let version = SemanticVersion(atLeast) else {
                throw OsnovaError(.usage, "--at-least takes a semantic version such as 1.2.3")
            }
            return try catalog.read { try $0.components(versionAtLeast: version) }
        }
    }

    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Show what the registry says of running components, and whether it is so.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var page: PageOptions

        @Option(help: "Just those of a status.")
        var status: Registration.Status?

        @Option(help: ArgumentHelp("Seconds without a sign of life after which one is stale.", valueName: "seconds"))
        var staleAfter: Int64 = 30

        func validate() throws {
            guard staleAfter >= 0 else { throw ValidationError("--stale-after is not negative.") }
        }

        func run() throws {
            let catalog = try store.open().catalog
            let (seconds, status) = (staleAfter, status)
            try page.say(json: store.json, as: { (document: RegistrationDocument) in document }) { cursor, limit in
                try catalog.read { reading in
                    let found = try reading.registrations(status, after: cursor, limit: limit)
                    let documents = try found.rows.map {
                        RegistrationDocument($0, isAlive: try reading.isAlive($0), staleAfter: seconds)
                    }
                    return Page(rows: documents, next: found.next)
                }
            }
        }
    }
}

extension AppCommand {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List applications, the newest installation first.")

        @OptionGroup var store: StoreOptions
        @OptionGroup var page: PageOptions

        @Flag(help: "Just those that were launched, the last one first.")
        var launched = false

        func run() throws {
            let catalog = try store.open().catalog
            let launched = launched
            try page.say(json: store.json, as: ApplicationDocument.init) { cursor, limit in
                try catalog.read {
                    try launched
                        ? $0.launchedApplications(after: cursor, limit: limit)
                        : $0.applications(after: cursor, limit: limit)
                }
            }
        }
    }
}

struct RegistrationDocument: ListedDocument {
    let componentId: String
    let version: String
    let pid: Int64
    let endpoint: String
    let status: String
    let startedAt: Int64
    let lastHeartbeat: Int64?
    let restartCount: Int64
    let isAlive: Bool?
    let isStale: Bool

    init(_ registration: Registration, isAlive: Bool?, staleAfter seconds: Int64) {
        componentId = registration.componentID
        version = registration.version
        pid = registration.processID
        endpoint = registration.endpoint
        status = registration.status.rawValue
        startedAt = registration.startedAt
        lastHeartbeat = registration.lastHeartbeat
        restartCount = registration.restartCount
        self.isAlive = isAlive
        isStale = registration.isStale(after: seconds)
    }

    private var process: String {
        switch isAlive {
        case true: isStale ? "silent" : "alive"
        case false: "gone"
        default: "unknown"
        }
    }

    static let header = ["COMPONENT", "VERSION", "STATUS", "PID", "PROCESS", "RESTARTS", "ENDPOINT"]
    var cells: [String] { [componentId, version, status, "\(pid)", process, "\(restartCount)", endpoint] }
}
