import Foundation

/// What of an agent's message goes into header fields. Leniently read: the gateway judges the message itself.
struct AgentMessage {
  /// The id as JSON.
  var id: String?
  var method: String?
  /// The revision a message of the modern era names.
  var revision: String?
  /// What the field Mcp-Name repeats.
  var name: String?
  /// Of `notifications/cancelled`: the request's id as JSON.
  var cancelledID: String?
  /// Of an answer to `initialize`.
  var agreedVersion: String?

  init(_ text: String) {
    let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    guard let object else { return }
    id = object["id"].flatMap(Self.json)
    method = (object["method"] as? String).flatMap { Self.isPlain($0) ? $0 : nil }
    agreedVersion = ((object["result"] as? [String: Any])?["protocolVersion"] as? String)
      .flatMap { Self.isPlain($0) ? $0 : nil }
    guard let params = object["params"] as? [String: Any] else { return }
    let meta = params["_meta"] as? [String: Any]
    revision = (meta?["io.modelcontextprotocol/protocolVersion"] as? String)
      .flatMap { Self.isPlain($0) ? $0 : nil }
    cancelledID = params["requestId"].flatMap(Self.json)
    let key =
      switch method {
      case "tools/call", "prompts/get": "name"
      case "resources/read": "uri"
      case "tasks/get", "tasks/update", "tasks/cancel": "taskId"
      default: ""
      }
    name = params[key] as? String
  }

  /// The value of Mcp-Name: what cannot stand in a header field as it is goes as base64.
  var fieldName: String? {
    guard let name else { return nil }
    let isPlain =
      Self.isPlain(name) && name.first != " " && name.last != " " && !name.hasPrefix("=?base64?")
    return isPlain ? name : "=?base64?\(Data(name.utf8).base64EncodedString())?="
  }

  private static func isPlain(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
  }

  private static func json(_ value: Any) -> String? {
    guard value is String || value is NSNumber,
      let data = try? JSONSerialization.data(
        withJSONObject: value, options: [.fragmentsAllowed, .withoutEscapingSlashes])
    else { return nil }
    return String(decoding: data, as: UTF8.self)
  }

  /// An answer that says why there is none.
  static func error(_ id: String, _ text: String) -> String {
    let quoted = json(text) ?? "\"\""
    return "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"error\":{\"code\":-32603,\"message\":\(quoted)}}"
  }
}
