internal import Foundation
internal import Primitives
internal import Tree

/// What the driver counted, in Prometheus' text format.
enum MetricsText {
    static func text(_ totals: DriveTotals) -> String {
        var lines: [String] = []
        func family(_ name: String, _ type: String, _ help: String) {
            lines += ["# HELP osnovafs_\(name) \(help)", "# TYPE osnovafs_\(name) \(type)"]
        }
        family("requests_total", "counter", "Requests of the kernel that were answered.")
        for operation in DriveOperation.allCases {
            lines.append("osnovafs_requests_total{operation=\"\(operation)\"} \(totals.requests(operation))")
        }
        family("request_errors_total", "counter", "Requests that failed; a name that is not there is no failure.")
        for operation in DriveOperation.allCases {
            lines.append("osnovafs_request_errors_total{operation=\"\(operation)\"} \(totals.errors(operation))")
        }
        family("read_bytes_total", "counter", "Bytes of file content given to the kernel.")
        for kind in ContentKind.allCases {
            lines.append("osnovafs_read_bytes_total{content=\"\(kind)\"} \(totals.bytes(kind))")
        }
        family("sealed_files_opened_total", "counter", "Reads of blobs that had to open the sealed file first.")
        lines.append("osnovafs_sealed_files_opened_total \(totals.events(.sealedFileOpened))")
        family("contents_stored_total", "counter", "Blobs that the kernel got before a program asked for them.")
        lines.append("osnovafs_contents_stored_total \(totals.events(.contentStored))")
        family("open_file_hits_total", "counter", "Reads that found their sealed file open.")
        let reads = totals.requests(.read)
        lines.append("osnovafs_open_file_hits_total \(reads - min(reads, totals.events(.sealedFileOpened)))")
        family("request_duration_seconds", "histogram", "How long requests took, their replies included.")
        for operation in DriveOperation.allCases { lines += histogram(operation, totals) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func histogram(_ operation: DriveOperation, _ totals: DriveTotals) -> [String] {
        let name = "osnovafs_request_duration_seconds"
        let buckets = totals.histogram(operation).map { bound, count in
            let limit = bound.map { seconds($0) } ?? "+Inf"
            return "\(name)_bucket{operation=\"\(operation)\",le=\"\(limit)\"} \(count)"
        }
        return buckets + [
            "\(name)_sum{operation=\"\(operation)\"} \(seconds(totals.nanoseconds(operation)))",
            "\(name)_count{operation=\"\(operation)\"} \(totals.histogram(operation).last?.count ?? 0)",
        ]
    }

    private static func seconds(_ nanoseconds: UInt64) -> String { "\(Double(nanoseconds) / 1e9)" }
}
