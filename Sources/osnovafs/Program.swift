internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import Primitives

/// The entry point: parses the arguments, runs the command, turns its outcome into an exit code.
@main
enum Program {
    /// Open files that a large put and a mount like to have.
    private static let openFiles = 8192

    static func main() {
        InheritedState.settle()
        SystemCalls.reserveDescriptors(openFiles)
        exit(run())
    }

    private static func run() -> Int32 {
        ProcessSecrecy.begin()
        do {
            try SecretEnvironment.take()
            var command = try RootCommand.parseAsRoot(Arguments.given())
            try command.run()
            return ExitStatus.done
        } catch let status as ExitStatus {
            return status.code
        } catch let error as OsnovaError {
            return complain(error)
        } catch {
            let code = RootCommand.exitCode(for: error).rawValue
            guard code != ExitStatus.done else {
                Terminal.say(RootCommand.fullMessage(for: error))
                return code
            }
            // No error of the command line?
            guard code != EXIT_FAILURE else { return complain(wording(of: error)) }
            let message = message(of: error)
            Terminal.complain(
                "\(message.hasSuffix(".") ? String(message.dropLast()) : message): see \(help(on: error))")
            return code
        }
    }

    private static func complain(_ error: OsnovaError) -> Int32 {
        Terminal.complain(error.message)
        return ExitStatus.code(for: error.kind)
    }

    /// An error as this program tells it, also one of a library, which nobody has put into words.
    static func wording(of error: any Error) -> OsnovaError {
        if let error = error as? OsnovaError { return error }
        let isFoundation = [NSCocoaErrorDomain, NSPOSIXErrorDomain].contains((error as NSError).domain)
        return OsnovaError(.inputOutput, isFoundation ? error.localizedDescription : message(of: error))
    }

    /// The command that explains the arguments of the one that was given: the parser names it below its message.
    private static func help(on error: any Error) -> Substring {
        RootCommand.fullMessage(for: error).firstMatch(of: #/See ('osnovafs .*--help') for more/#)?.1
            ?? "'osnovafs --help'"
    }

    /// Some of the parser's messages have several lines.
    private static func message(of error: any Error) -> String {
        RootCommand.message(for: error).replacing("\n", with: " ")
    }
}

/// The whole command line.
struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "osnovafs",
        abstract: "A content-addressed encrypted store that can be mounted.",
        discussion: """
            A data root holds a database and sealed blobs, each named by the SHA-256 of its content. \
            'osnovafs mount' shows it as a plain tree of files.

            The data root is --data-root, else $OSNOVA_DATA_ROOT, else ${XDG_DATA_HOME:-$HOME/.local/share}/osnova.
            Exit codes: 0 done, 64 usage, 65 damaged or malformed data, 66 no such input, 69 FUSE or a service \
            missing, 73 cannot create, 74 I/O, 75 busy, try again, 77 wrong password, phrase or permission.
            """,
        version: "0.1.0",
        subcommands: [
            InitCommand.self, MountCommand.self, UnmountCommand.self, PutCommand.self, CatCommand.self,
            GetCommand.self, ListCommand.self, ComponentCommand.self, AppCommand.self, CacheCommand.self,
            VerifyCommand.self, CollectCommand.self, BackupCommand.self, RestoreCommand.self, StatsCommand.self,
            FileCommand.self, MessageCommand.self, TransactionCommand.self,
            PreferenceCommand.self, KeyCommand.self, SearchCommand.self, DatabaseCommand.self, CompressionCommand.self,
            PasswordCommands.self, RekeyCommand.self, UnlockCommand.self, CocoonCommand.self, ImportCommand.self,
            SnapshotCommand.self, DoctorCommand.self,
        ])
}
