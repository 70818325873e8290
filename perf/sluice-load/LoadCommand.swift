public import ArgumentParser
public import EventLoop
import Foundation
public import PerfKit
import Synchronization

@main
struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice-load",
    abstract: "Calls an MCP endpoint from many connections and measures it.",
    discussion: """
      Without --rate each connection sends its next request when it has its answer (closed loop). With --rate requests \
      are due at a constant rate and latency counts from when a request was due, whatever the server did \
      meanwhile (open loop, no coordinated omission).
      """)

  @Option(help: "Where to: http://ADDRESS:PORT/PATH with a numeric address or localhost.")
  var url: String

  @Option(help: "Connections, each with one request at a time.")
  var connections = 16

  @Option(help: "Threads, 1 to 8.")
  var threads = 1

  @Option(help: "Requests per second of an open loop.")
  var rate: Double?

  @Option(help: "Length of the measured interval in seconds.")
  var duration = 10.0

  @Option(help: "End a closed loop after so many requests instead.")
  var requests: Int?

  @Option(help: "Seconds before anything is measured.")
  var warmup = 1.0

  @Option(name: .customLong("header"), help: "A further field, 'Name: value'; may be repeated.")
  var headers: [String] = []

  @Option(help: "Send 'Authorization: Bearer KEY'.")
  var apiKey: String?

  @Option(help: "The protocol's generation: modern, legacy or mix (every other connection).")
  var era = LoadSettings.EraChoice.modern

  @Option(help: "Ask a model server for json, sse or mix (every other request).")
  var answer = LoadSettings.AnswerChoice.json

  @Option(
    name: .customLong("call"),
    help: "A tool, or tools/list, server/discover, ping; NAME=WEIGHT for a mix; may be repeated.")
  var calls: [String] = []

  @Option(
    name: .customLong("arguments"),
    help: "JSON object of arguments; the first for the first --call, and so on.")
  var arguments: [String] = []

  @Option(help: "Seconds until a request has failed.")
  var timeout = 10.0

  @Option(
    help: "A text that no answer may contain, such as a value that must be masked; repeatable.")
  var expectAbsent: [String] = []

  @Option(help: "A text that every answer must contain; may be repeated.")
  var expectPresent: [String] = []

  @Option(help: "Hold so many idle connections open beside the load.")
  var idle = 0

  @Flag(help: "Idle connections never send anything; otherwise each has had one request answered.")
  var idleSilent = false

  @Option(help: "Processes to report the processor time and memory of: P or P,Q.")
  var pid: String?

  @Option(help: "The kernel's interface: auto, io_uring or epoll.")
  var io = IOChoice.automatic

  @Option(help: "Bytes per receive buffer.")
  var bufferSize = 16384

  @Flag(help: "Print one line of JSON instead of the table.")
  var json = false

  func validate() throws {
    guard connections >= 1, connections <= 1_000_000, threads >= 1, threads <= 8, idle >= 0 else {
      throw ValidationError("--connections and --threads take at least 1, --threads at most 8")
    }
    guard duration > 0, duration < 1e6, warmup >= 0, warmup < 1e6, timeout > 0, timeout < 1e6 else {
      throw ValidationError("--duration and --timeout take more than 0 seconds")
    }
    if let rate, rate <= 0 || rate > 1e8 { throw ValidationError("--rate takes more than 0") }
    if rate != nil && requests != nil {
      throw ValidationError("--requests belongs to a closed loop; with --rate use --duration")
    }
    if let requests, requests < 1 { throw ValidationError("--requests takes at least 1") }
    guard bufferSize > 0, bufferSize % 64 == 0 else {
      throw ValidationError("--buffer-size takes a multiple of 64")
    }
    guard arguments.count <= max(1, calls.count) else {
      throw ValidationError("there are more --arguments than --call")
    }
    if (expectAbsent + expectPresent).contains("") {
      throw ValidationError("--expect-absent and --expect-present take a text")
    }
  }

  func run() throws {
    let settings = try makeSettings()
    let run = LoadRun(settings)
    // The first interrupt ends the measurement early; its figures are still shown.
    signal(SIGINT) { _ in wasInterrupted.store(true, ordering: .relaxed) }
    let showsProgress = isatty(STDERR_FILENO) == 1
    let report = try run.run { progress in
      if wasInterrupted.load(ordering: .relaxed) { run.stop() }
      if showsProgress { ProgressLine.show(progress) }
    }
    if showsProgress { ProgressLine.clear() }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(report), as: UTF8.self))
    } else {
      print(ReportText.table(report))
    }
    if report.answers == 0 { throw ExitCode(1) }
  }

  private func makeSettings() throws -> LoadSettings {
    let target = try TargetURL(url)
    var settings = LoadSettings(address: target.address, path: target.path, host: target.host)
    settings.connections = connections
    settings.threads = threads
    settings.rate = rate
    settings.durationSeconds = duration
    settings.requests = requests
    settings.warmupSeconds = warmup
    settings.headers = headers
    if let apiKey { settings.headers.append("Authorization: Bearer \(apiKey)") }
    settings.era = era
    settings.answer = answer
    settings.calls = try parseCalls()
    settings.timeoutSeconds = timeout
    settings.expectAbsent = expectAbsent
    settings.expectPresent = expectPresent
    settings.idleConnections = idle
    settings.idleAfterRequest = !idleSilent
    settings.processes = try parseProcesses()
    settings.io = io
    settings.bufferBytes = bufferSize
    return settings
  }

  private func parseCalls() throws -> [LoadSettings.Call] {
    for text in arguments {
      let value = try? JSONSerialization.jsonObject(with: Data(text.utf8))
      guard value is [String: Any] else {
        throw ValidationError("--arguments '\(text)' is no JSON object")
      }
    }
    let names = calls.isEmpty ? ["query"] : calls
    return try names.enumerated().map { index, text in
      let parts = text.split(separator: "=", maxSplits: 1)
      guard let name = parts.first, let weight = parts.count == 2 ? Int(parts[1]) : 1,
        (1...1000).contains(weight)
      else { throw ValidationError("--call takes NAME or NAME=WEIGHT (1 to 1000), not '\(text)'") }
      let object = index < arguments.count ? arguments[index] : "{}"
      return LoadSettings.Call(
        name: String(name), arguments: object.trimmingCharacters(in: .whitespacesAndNewlines),
        weight: weight)
    }
  }

  private func parseProcesses() throws -> [Int32] {
    try (pid ?? "").split(separator: ",").map {
      guard let process = Int32($0), ProcessUsage.processorNanoseconds([process]) != nil else {
        throw ValidationError("--pid: there is no process '\($0)'")
      }
      return process
    }
  }
}

/// Set by the signal handler, which can reach nothing else.
private let wasInterrupted = Atomic<Bool>(false)

extension IOChoice: ExpressibleByArgument {}
extension LoadSettings.EraChoice: ExpressibleByArgument {}
extension LoadSettings.AnswerChoice: ExpressibleByArgument {}
