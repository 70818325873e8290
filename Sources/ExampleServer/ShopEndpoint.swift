import Foundation
import HTTPTypes
import Hummingbird
import PlainJSON

/// The one endpoint of the example server: HTTP in, a JSON-RPC message read, an answer out.
///
/// The era of a request is told by its `MCP-Protocol-Version` header or, without one, by `_meta` in its body; the two
/// eras are answered in `ShopEndpoint+Legacy` and `ShopEndpoint+Modern`.
struct ShopEndpoint: Sendable {
  let tools: ShopTools
  let answers: ExampleServer.AnswerForm
  let sessions = SessionTable()

  static let bodyBytesMax = 1 << 20
  static let serverInfo: JSONValue = ["name": "sluice-example-shop", "version": "1.0.0"]
  static let instructions: JSONValue =
    "A furniture shop's database. Start with list_tables, then ask with query in SQLite's SQL."

  func respond(to request: Request) async throws -> Response {
    if let origin = request.headers[.origin], !Self.isLoopback(origin: origin) {
      return Self.refusal(.forbidden)
    }
    switch request.method {
    case .post: return await respond(toPost: request)
    case .delete where request.headers[.protocolVersion] != Self.modernVersion:
      return endSession(request)
    default:
      // There is no stream for messages from the server, which a 405 tells a legacy client.
      return Self.refusal(.methodNotAllowed, [.allow: "POST"])
    }
  }

  private func respond(toPost request: Request) async -> Response {
    guard Self.isJSON(request.headers[.contentType]) else {
      return Self.refusal(.unsupportedMediaType)
    }
    let accept = request.headers[.accept] ?? ""
    guard accept.contains("application/json"), accept.contains("text/event-stream") else {
      return Self.refusal(.notAcceptable)
    }
    guard let body = try? await request.body.collect(upTo: Self.bodyBytesMax) else {
      return Self.refusal(.contentTooLarge)
    }
    guard let document = try? JSONValue(parsing: body.readableBytesView) else {
      return answer(.failure(id: .null, status: .badRequest, code: -32700, "Parse error"))
    }
    let message: Message
    switch Message.read(document) {
    case .success(let read): message = read
    case .failure(let refused):
      return answer(.failure(id: .null, status: .badRequest, code: -32600, refused.reason))
    }
    let version = request.headers[.protocolVersion]
    let isModern = version.map { !Self.legacyVersions.contains($0) } ?? message.hasModernMeta
    return isModern
      ? await respondModern(to: message, headers: request.headers)
      : await respondLegacy(to: message, headers: request.headers)
  }

  /// Sends an answer in the form this server was made for; refusals always go as JSON.
  func answer(_ answer: Answer, _ headers: HTTPFields = [:]) -> Response {
    var headers = headers
    let text = answer.document.json
    guard answers == .eventStream, answer.status == .ok else {
      headers[.contentType] = "application/json"
      return Response(
        status: answer.status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
    }
    headers[.contentType] = "text/event-stream"
    headers[.cacheControl] = "no-cache, no-transform"
    let event = ByteBuffer(string: "event: message\r\ndata: \(text)\r\n\r\n")
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody { writer in
        try await writer.write(event)
        try await writer.finish(nil)
      })
  }

  /// Answer to a notification: taken, nothing to say.
  static let accepted = Response(status: .accepted)

  static func refusal(_ status: HTTPResponse.Status, _ headers: HTTPFields = [:]) -> Response {
    Response(status: status, headers: headers)
  }

  private static func isJSON(_ contentType: String?) -> Bool {
    let media = contentType?.split(separator: ";").first ?? ""
    return media.trimmingCharacters(in: .whitespaces).lowercased() == "application/json"
  }

  /// Pages of other sites must not reach a server on this machine (DNS rebinding).
  private static func isLoopback(origin: String) -> Bool {
    let host = URL(string: origin)?.host() ?? ""
    return ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host)
  }
}

extension HTTPField.Name {
  static let protocolVersion = Self("MCP-Protocol-Version")!
  static let sessionID = Self("Mcp-Session-Id")!
  static let mcpMethod = Self("Mcp-Method")!
  static let mcpName = Self("Mcp-Name")!
}
