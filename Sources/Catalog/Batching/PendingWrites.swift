internal import GRDB

/// What a batch writer has yet to write, joined by row: a thousand heartbeats of a component are one.
struct PendingWrites: Sendable {
    struct Heartbeat: Hashable, Sendable {
        let componentID: ExactText
        let processID: Int64
    }

    struct Use: Sendable {
        var times: Int64
        var last: Int64

        mutating func join(_ other: Use) {
            times = times.addingReportingOverflow(other.times).partialValue
            last = max(last, other.last)
        }
    }

    var heartbeats: [Heartbeat: Int64] = [:]
    var componentUses: [ExactText: Int64] = [:]
    var launches: [ExactText: Use] = [:]
    var cacheUses: [ExactText: Use] = [:]
    var keyUses: [ExactText: Int64] = [:]

    /// Rows that wait.
    var count: Int {
        heartbeats.count + componentUses.count + launches.count + cacheUses.count + keyUses.count
    }

    /// Takes over what another one holds.
    mutating func join(_ other: PendingWrites) {
        heartbeats.merge(other.heartbeats, uniquingKeysWith: max)
        componentUses.merge(other.componentUses, uniquingKeysWith: max)
        keyUses.merge(other.keyUses, uniquingKeysWith: max)
        for (key, use) in other.launches { launches[key, default: Use(times: 0, last: 0)].join(use) }
        for (key, use) in other.cacheUses { cacheUses[key, default: Use(times: 0, last: 0)].join(use) }
    }
}

extension Writing {
    /// Writes what a batch holds; a row that is gone is no error, its use no longer matters.
    func apply(_ batch: PendingWrites) throws {
        for (beat, time) in batch.heartbeats {
            try recordHeartbeat(of: beat.componentID.text, processID: beat.processID, at: time)
        }
        for (id, time) in batch.componentUses {
            try nodes.run(
                "UPDATE components SET last_used = max(?1, coalesce(last_used, 0)) WHERE component_id = ?2",
                [time, id.text])
        }
        for (id, use) in batch.launches {
            try nodes.run(
                """
                UPDATE applications SET last_launched = max(?1, coalesce(last_launched, 0)),
                    launch_count = coalesce(launch_count, 0) + ?2 WHERE application_id = ?3
                """, [use.last, use.times, id.text])
        }
        for (address, use) in batch.cacheUses {
            try nodes.run(
                """
                UPDATE autonomi_cache SET last_accessed = max(?1, last_accessed),
                    access_count = coalesce(access_count, 0) + ?2 WHERE autonomi_address = ?3
                """, [use.last, use.times, address.text])
        }
        for (key, time) in batch.keyUses {
            for table in ["keys_metadata", "further_keys_metadata"] {
                try nodes.run(
                    "UPDATE \(table) SET last_used = max(?1, coalesce(last_used, 0)) WHERE public_key = ?2",
                    [time, key.text])
            }
        }
    }
}
