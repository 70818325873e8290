import HTTPTypes
import Hummingbird
import PlainJSON

/// The revisions with a handshake: initialize, a session id in a header, then requests.
extension ShopEndpoint {
  static let legacyVersions = ["2025-03-26", "2025-06-18", "2025-11-25"]

  func respondLegacy(to message: Message, headers: HTTPFields) async -> Response {
    if message.method == "initialize", let id = message.id {
      return initialize(id: id, message)
    }
    guard let session = headers[.sessionID] else {
      return answer(
        .failure(
          id: message.id ?? .null, status: .badRequest, code: -32600, "Mcp-Session-Id is missing."))
    }
    guard let version = sessions.version(of: session) else {
      return answer(
        .failure(
          id: message.id ?? .null, status: .notFound, code: -32600, "There is no such session."))
    }
    if let claimed = headers[.protocolVersion], claimed != version {
      return answer(
        .failure(
          id: message.id ?? .null, status: .badRequest, code: -32600,
          "This session speaks \(version), not \(claimed)."))
    }
    guard let id = message.id else { return Self.accepted }
    return answer(await legacyAnswer(id: id, message))
  }

  private func legacyAnswer(id: JSONValue, _ message: Message) async -> Answer {
    switch message.method {
    case "ping": return .success(id: id, .object([]))
    case "tools/list": return .success(id: id, ["tools": ShopTools.list])
    case "tools/call":
      guard let name = message.params["name"]?.text else {
        return .failure(id: id, code: -32602, "The parameter 'name' must be a string.")
      }
      let arguments = message.params["arguments"] ?? .object([])
      return switch await tools.call(name, arguments: arguments) {
      case .success(let content): .success(id: id, Self.toolResult(content))
      case .failure(let text): .success(id: id, Self.toolError(text))
      case .unknownTool: .failure(id: id, code: -32602, "Unknown tool: \(name)")
      }
    default: return .failure(id: id, code: -32601, "Method not found: \(message.method)")
    }
  }

  private func initialize(id: JSONValue, _ message: Message) -> Response {
    guard let asked = message.params["protocolVersion"]?.text else {
      return answer(
        .failure(id: id, code: -32602, "The parameter 'protocolVersion' must be a string."))
    }
    let version = Self.legacyVersions.contains(asked) ? asked : Self.legacyVersions.last!
    let result: JSONValue = [
      "protocolVersion": .string(version),
      "capabilities": ["tools": ["listChanged": false]],
      "serverInfo": Self.serverInfo,
      "instructions": Self.instructions,
    ]
    return answer(.success(id: id, result), [.sessionID: sessions.open(version: version)])
  }

  func endSession(_ request: Request) -> Response {
    guard let session = request.headers[.sessionID] else { return Self.refusal(.badRequest) }
    return sessions.close(session) ? Self.refusal(.ok) : Self.refusal(.notFound)
  }

  /// Structured content with the same document as text, for clients that read only text.
  static func toolResult(_ content: JSONValue) -> JSONValue {
    [
      "content": [["type": "text", "text": .string(content.json)]],
      "structuredContent": content,
      "isError": false,
    ]
  }

  static func toolError(_ text: String) -> JSONValue {
    ["content": [["type": "text", "text": .string(text)]], "isError": true]
  }
}
