internal import Foundation
internal import Status

/// What Prometheus' own client libraries tell of every process, under their names, so that dashboards and alerts for any
/// process work here too: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
enum ProcessMetrics {
  /// Empty where the system does not tell.
  static func read() -> [MetricFamily] {
    var families: [MetricFamily] = []
    if let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8) {
      families += read(
        stat: stat, ticks: sysconf(Int32(_SC_CLK_TCK)), page: sysconf(Int32(_SC_PAGESIZE)))
    }
    if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      // One of them was for looking.
      families.append(gauge("process_open_fds", "Open file descriptors.", Double(open.count - 1)))
    }
    var limit = rlimit()
    if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      families.append(
        gauge("process_max_fds", "How many file descriptors may be open.", Double(limit.rlim_cur)))
    }
    return families
  }

  /// - Parameters:
  ///   - stat: as in proc(5): the name in brackets may hold anything, so fields count from the last bracket on.
  ///   - ticks: of the clock, per second.
  ///   - page: bytes of a page.
  static func read(stat: String, ticks: Int, page: Int) -> [MetricFamily] {
    guard let bracket = stat.lastIndex(of: ")"), ticks > 0 else { return [] }
    // The first of these is the third of proc(5).
    let fields = stat[bracket...].dropFirst().split(whereSeparator: \.isWhitespace)
    func field(_ number: Int) -> Double? {
      fields.count > number - 3 ? Double(fields[number - 3]) : nil
    }
    guard let user = field(14), let system = field(15), let virtual = field(23),
      let resident = field(24)
    else { return [] }
    return [
      MetricFamily(
        .counter, "process_cpu_seconds_total", "User and system time spent.",
        [.init((user + system) / Double(ticks))]),
      gauge("process_virtual_memory_bytes", "Address space.", virtual),
      gauge("process_resident_memory_bytes", "Resident memory.", resident * Double(page)),
    ]
  }

  private static func gauge(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
    MetricFamily(.gauge, name, help, [.init(value)])
  }
}
