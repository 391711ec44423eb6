internal import Glibc
internal import Primitives

/// What the machine must grant before anything can be mounted.
enum Prerequisites {
    static func check(
        _ options: MountOptions, device: String = "/dev/fuse", configuration: String = "/etc/fuse.conf"
    ) throws {
        try checkDevice(device)
        guard geteuid() != 0 else { return }
        guard HelperProgram.isInstalled else {
            throw OsnovaError(
                .unavailable, "\(HelperProgram.name) is missing: install it (apt install fuse3), or mount as root")
        }
        let asksOthers = options.allowOther || options.allowRoot
        if asksOthers, !allowsOther(configuration) {
            throw OsnovaError(
                .denied, "allow_other and allow_root need a line user_allow_other in \(configuration): ask root for it")
        }
    }

    static func checkDevice(_ device: String) throws {
        let descriptor = open(device, O_RDWR | O_CLOEXEC)
        guard descriptor < 0 else {
            close(descriptor)
            return
        }
        switch errno {
        case ENOENT, ENODEV, ENXIO:
            throw OsnovaError(
                .unavailable, "\(device) is missing: load FUSE (modprobe fuse), or give the container the device")
        case let number:
            let reason = String(cString: strerror(number))
            throw OsnovaError(
                .unavailable, "\(device) cannot be opened (\(reason)): you need to read and write it (chmod 0666)")
        }
    }

    static func allowsOther(_ configuration: String) -> Bool {
        guard let file = fopen(configuration, "re") else { return false }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 1024)
        while fgets(&line, Int32(line.count), file) != nil {
            let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .split { $0.isWhitespace }
            if words == ["user_allow_other"] { return true }
        }
        return false
    }
}
