public import ArgumentParser
public import EventLoop
import Glibc
public import PerfKit

@main
struct ModelServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice-model-server",
    abstract: "A very cheap MCP server to put behind a gateway under test.",
    discussion: """
      It answers initialize, server/discover, tools/list, tools/call (any tool), ping and notifications in both \
      eras, from memory. A call whose arguments say "stream":true is answered as an event stream.
      """)

  @Option(help: "The numeric address to listen on.")
  var host = "127.0.0.1"

  @Option(help: "The port to listen on; 0 lets the kernel choose and prints which.")
  var port: UInt16 = 9000

  @Option(help: "Length of a tools/call answer's JSON document in bytes.")
  var bytes = 4096

  @Option(help: "Where an answer has its records: structured, text or both.")
  var shape = AnswerShape.structured

  @Flag(help: "Answer every call as an event stream.")
  var sse = false

  @Option(help: "Notifications before the answer of an event stream.")
  var events = 0

  @Option(help: "Hold each call for so many microseconds (epoll: whole milliseconds).")
  var delayUs = 0

  @Flag(help: "Frame JSON answers as chunks instead of with a length.")
  var chunked = false

  @Option(help: "Threads, each with its own event loop.")
  var workers = 1

  @Option(help: "The protocol's generation to speak: legacy, modern or both.")
  var era = EraOption.both

  @Option(help: "The kernel's interface: auto, io_uring or epoll.")
  var io = IOChoice.automatic

  @Option(help: "Connections per thread, at the most.")
  var maxConnections = 16384

  enum EraOption: String, ExpressibleByArgument, CaseIterable { case legacy, modern, both }

  func validate() throws {
    guard bytes >= 1, bytes <= 8 << 20 else { throw ValidationError("--bytes takes 1 to 8388608") }
    guard events >= 0, delayUs >= 0, workers >= 1, maxConnections >= 1 else {
      throw ValidationError("counts and times cannot be negative, and there is at least one worker")
    }
  }

  func run() throws {
    var settings = ModelServerSettings()
    settings.host = host
    settings.port = port
    settings.bytes = bytes
    settings.shape = shape
    settings.sse = sse
    settings.events = events
    settings.delayMicroseconds = delayUs
    settings.chunked = chunked
    settings.workers = workers
    settings.io = io
    settings.connectionsMax = maxConnections
    settings.eras =
      switch era {
      case .legacy: [.legacy]
      case .modern: [.modern]
      case .both: [.legacy, .modern]
      }
    let server = try ModelServer(settings)
    print("listening on \(host):\(server.port) (\(server.backend), \(workers) workers)")
    fflush(nil)
    // Until a signal ends the process.
    while true { pause() }
  }
}

extension AnswerShape: ExpressibleByArgument {}
extension IOChoice: ExpressibleByArgument {}
