import Hummingbird
public import Logging
import NIOCore
import Synchronization

/// A small MCP server over a real database, for the demo and for tests: something to put the gateway in front of.
///
/// It speaks the protocol on its own, sharing no code with the gateway: Streamable HTTP at `/mcp`, with the
/// initialize handshake of the revisions 2025-03-26 to 2025-11-25 and the per-request form of 2026-07-28.
/// It listens on the loopback interface only and asks for no credential.
///
///     let server = try ExampleServer()
///     let port = try await server.start(port: 0)     // 0: the system picks one
///     …
///     await server.stop()
public final class ExampleServer: Sendable {
  /// How answers to requests are sent.
  public enum AnswerForm: Sendable {
    /// One `application/json` body.
    case json
    /// A `text/event-stream` with one event, as SDK servers do by default.
    case eventStream
  }

  /// Why the server did not start.
  public struct StartError: Error, CustomStringConvertible {
    public var description: String
  }

  /// The data behind the tools, to look at from outside the protocol.
  public let database: ShopDatabase

  private let endpoint: ShopEndpoint
  private let logger: Logger
  private let running = Mutex<Task<Void, Never>?>(nil)

  public init(
    storage: ShopDatabase.Storage = .inMemory, answers: AnswerForm = .json, logger: Logger? = nil
  ) throws {
    database = try ShopDatabase(storage: storage)
    endpoint = ShopEndpoint(tools: ShopTools(database: database), answers: answers)
    var quiet = Logger(label: "sluice.example-server")
    // Below that, Hummingbird reports each connection that `stop` closes as an error.
    quiet.logLevel = .critical
    self.logger = logger ?? quiet
  }

  /// Starts listening on 127.0.0.1 and returns the port. Call it once.
  public func start(port: Int = 0) async throws -> Int {
    let (ports, portFeed) = AsyncThrowingStream<Int, any Error>.makeStream()
    let router = Router()
    for method in [HTTPRequest.Method.post, .get, .delete, .put, .options] {
      router.on("mcp", method: method) { [endpoint] request, _ in
        try await endpoint.respond(to: request)
      }
    }
    let application = Application(
      router: router,
      configuration: .init(address: .hostname("127.0.0.1", port: port)),
      onServerRunning: { channel in portFeed.yield(channel.localAddress?.port ?? 0) },
      logger: logger)
    let task = Task {
      do {
        try await application.run()
        portFeed.finish()
      } catch {
        portFeed.finish(throwing: error)
      }
    }
    for try await port in ports {
      running.withLock { $0 = task }
      return port
    }
    throw StartError(description: "The example server ended before it listened.")
  }

  /// Stops listening, closes every connection, and returns when both are done.
  public func stop() async {
    let task = running.withLock { task in
      defer { task = nil }
      return task
    }
    task?.cancel()
    await task?.value
  }
}
