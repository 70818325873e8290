public import HTTPTypes
public import Hummingbird
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded

/// What a router answered, whole.
public struct TestResponse: Sendable {
  public let head: HTTPResponse
  public let body: ByteBuffer

  public var status: HTTPResponse.Status { head.status }
  public var headers: HTTPFields { head.headerFields }
}

/// Asks a router without a server or a socket between. Hummingbird's own client for tests can do this too, and with it come
/// an HTTP client, HTTP/2 and a whole TLS library, which take longer to compile than all of ours.
public struct RouterClient<Responder: HTTPResponder>: Sendable
where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
  private let responder: Responder

  public init(_ responder: Responder) { self.responder = responder }

  /// Asks as a server would pass a request on. What the responder throws is thrown: a server would answer 500.
  public func execute(
    uri: String, method: HTTPRequest.Method, headers: HTTPFields = [:], body: ByteBuffer? = nil
  ) async throws -> TestResponse {
    var headers = headers
    if let body { headers[.contentLength] = String(body.readableBytes) }
    let request = Request(
      head: HTTPRequest(
        method: method, scheme: "http", authority: "localhost", path: uri, headerFields: headers),
      body: RequestBody(buffer: body ?? ByteBuffer()))
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    // Every context takes its id from here.
    logger[metadataKey: "hb.request.id"] = "0"
    let channel = NIOAsyncTestingChannel()
    let context = Responder.Context(
      source: ApplicationRequestContextSource(channel: channel, logger: logger))
    let response = try await responder.respond(to: request, context: context)
    let collector = BodyCollector()
    try await response.body.write(collector)
    return TestResponse(head: response.head, body: collector.written)
  }
}

/// Keeps what a response writes.
private struct BodyCollector: ResponseBodyWriter {
  private let buffer = NIOLockedValueBox(ByteBuffer())

  var written: ByteBuffer { buffer.withLockedValue { $0 } }

  mutating func write(_ part: ByteBuffer) async throws {
    buffer.withLockedValue { _ = $0.writeImmutableBuffer(part) }
  }

  consuming func finish(_ trailers: HTTPFields?) async throws {}
}
