import Foundation
import TestSupport
import Testing

/// A system clock that is set back while the program waits for something.
@Suite(.serialized) struct ClockTests {
    /// A library that sets the clock of whoever loads it back by an hour once `back` is there.
    private func steppingClock(_ work: Workspace) throws -> [String: String] {
        let source = """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <time.h>
            #include <unistd.h>

            int clock_gettime(clockid_t clock, struct timespec *now)
            {
                int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
                int result = real(clock, now), number = errno;
                if (clock == CLOCK_REALTIME && access("\(work.folder.path)/back", F_OK) == 0) now->tv_sec -= 3600;
                errno = number;
                return result;
            }
            """
        try work.write("clock.c", Data(source.utf8))
        let built = try Program.shell("clang -shared -fPIC -o clock.so clock.c -ldl", in: work.folder)
        try #require(built.code == 0, "\(built.errors)")
        return ["LD_PRELOAD": work.folder.appendingPathComponent("clock.so").path]
    }

    @Test(.enabled(if: Fuse.isTested, "SKIPPED: /dev/fuse is missing, no mount was tested"))
    func `a mount ends at once all the same`() throws {
        let work = try Workspace()
        try work.expect(
            0, ["mount"] + work.unlocking + [work.mountpoint.path], environment: try steppingClock(work))
        let drivers = try work.drivers()
        #expect(drivers.count == 1)
        defer { for driver in drivers { kill(driver, SIGKILL) } }
        // From then on it waits for changes.
        try work.sqlite("INSERT INTO components VALUES ('c','n','1','backend',NULL,NULL,NULL,'{}',NULL,1,NULL)")
        #expect(eventually { FileManager.default.fileExists(atPath: work.mounted("components/c").path) })
        try work.write("back", Data())
        #expect(try Program.run("/usr/bin/umount", [work.mountpoint.path]).code == 0)
        #expect(eventually { try work.drivers().isEmpty })
    }

    @Test func `a command that gives no password is waited for no longer`() throws {
        let work = try PasswordTests.workspace()
        let clock = try steppingClock(work)
        let unlocking = ["--password-command", "touch back; printf x; exec sleep 60", "--password-timeout", "1"]
        let started = Date()
        try work.expect(77, ["put", "f"] + unlocking, environment: clock)
        #expect(Date().timeIntervalSince(started) < 30)
    }
}
