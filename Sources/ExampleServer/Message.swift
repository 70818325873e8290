import HTTPTypes
import PlainJSON

/// One JSON-RPC message as this server reads it.
struct Message {
  /// Absent for a notification.
  var id: JSONValue?
  var method: String
  var params: JSONValue

  /// Why a document is no message this server takes.
  struct Refused: Error {
    var reason: String
  }

  static func read(_ document: JSONValue) -> Result<Message, Refused> {
    guard document.members != nil else {
      return .failure(Refused(reason: "The body must be one JSON object; batches are not taken."))
    }
    guard document["jsonrpc"] == "2.0", let method = document["method"]?.text else {
      return .failure(Refused(reason: "The body is no JSON-RPC 2.0 request or notification."))
    }
    switch document["id"] {
    case nil, .string, .integer: break
    default: return .failure(Refused(reason: "The id must be a string or an integer."))
    }
    return .success(
      Message(id: document["id"], method: method, params: document["params"] ?? .object([])))
  }

  static let versionKey = "io.modelcontextprotocol/protocolVersion"
  static let capabilitiesKey = "io.modelcontextprotocol/clientCapabilities"

  /// The protocol version the body itself claims: only revisions since 2026-07-28 have one.
  var metaVersion: String? { params["_meta"]?[Self.versionKey]?.text }
  var hasModernMeta: Bool { params["_meta"]?[Self.versionKey] != nil }
}

/// One JSON-RPC answer with the HTTP status it goes under.
struct Answer {
  var status: HTTPResponse.Status
  var document: JSONValue

  static func success(id: JSONValue, _ result: JSONValue) -> Answer {
    Answer(status: .ok, document: ["jsonrpc": "2.0", "id": id, "result": result])
  }

  static func failure(
    id: JSONValue, status: HTTPResponse.Status = .ok, code: Int64, _ text: String,
    data: JSONValue? = nil
  ) -> Answer {
    var error: JSONValue = ["code": .integer(code), "message": .string(text)]
    if let data { error = error.adding("data", data) }
    return Answer(status: status, document: ["jsonrpc": "2.0", "id": id, "error": error])
  }
}
