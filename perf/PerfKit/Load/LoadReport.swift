import Histogram

/// The figures of one load run, as `--json` prints them. Times in microseconds, sizes in bytes.
public struct LoadReport: Sendable, Codable {
  public struct Latency: Sendable, Codable {
    public var p50: Double
    public var p90: Double
    public var p99: Double
    public var p999: Double
    public var max: Double
    public var mean: Double
  }

  public struct Memory: Sendable, Codable {
    public var resident: Int?
    public var residentBeforeIdle: Int?
    public var residentAfterIdle: Int?
    public var perIdleConnection: Double?
  }

  public var backend: String
  public var loop: String
  public var connections: Int
  public var seconds: Double
  /// Answers that passed every check.
  public var answers: Int
  public var eventStreams: Int
  public var requestsPerSecond: Double
  public var bytesReceived: Int
  public var errorCount: Int
  public var errors: [String: Int]
  public var statuses: [String: Int]
  public var reconnects: Int
  public var handshakes: Int
  public var unfinished: Int
  public var latency: Latency
  /// Processor time, user and system, of the given processes per request (errors included).
  public var processorPerRequest: Double?
  public var memory: Memory?
  public var idleConnections: Int
  public var idleClosed: Int

  init(settings: LoadSettings, tally: LoadTally, samples: LoadSamples, backend: String) {
    self.backend = backend
    loop = settings.rate.map { "open at \($0)/s" } ?? "closed"
    connections = settings.connections
    seconds = Double(samples.interval) / 1e9
    answers = tally.answers
    eventStreams = tally.eventStreams
    requestsPerSecond = seconds > 0 ? Double(tally.answers) / seconds : 0
    bytesReceived = tally.bytes
    errorCount = tally.errorCount
    errors = [:]
    for kind in LoadErrorKind.allCases where tally.errors[kind.rawValue] > 0 {
      errors[kind.name] = tally.errors[kind.rawValue]
    }
    statuses = [:]
    for (status, count) in tally.statuses { statuses[String(status)] = count }
    reconnects = tally.reconnects
    handshakes = tally.handshakes
    unfinished = tally.unfinished
    let histogram = tally.latency
    func microseconds(_ percentile: Double) -> Double {
      histogram.totalCount == 0 ? 0 : Double(histogram.valueAtPercentile(percentile)) / 1000
    }
    latency = Latency(
      p50: microseconds(50), p90: microseconds(90), p99: microseconds(99),
      p999: microseconds(99.9),
      max: histogram.totalCount == 0 ? 0 : Double(histogram.max) / 1000,
      mean: histogram.totalCount == 0 ? 0 : histogram.mean / 1000)
    let requests = tally.answers + tally.errorCount
    if let start = samples.processorAtStart, let end = samples.processorAtEnd, end >= start,
      requests > 0, !settings.processes.isEmpty
    {
      processorPerRequest = Double(end - start) / 1000 / Double(requests)
    }
    idleConnections = settings.idleConnections
    idleClosed = tally.idleClosed
    guard !settings.processes.isEmpty else { return }
    var memory = Memory(resident: samples.residentAtEnd)
    if settings.idleConnections > 0, let before = samples.residentBeforeIdle,
      let after = samples.residentAfterIdle
    {
      memory.residentBeforeIdle = before
      memory.residentAfterIdle = after
      memory.perIdleConnection = Double(after - before) / Double(settings.idleConnections)
    }
    self.memory = memory
  }
}
