import Foundation
import HTTPTypes
import Hummingbird
import PlainJSON

/// The revision 2026-07-28: no handshake, every request says in `_meta` what it speaks, and the headers must agree.
extension ShopEndpoint {
  static let modernVersion = "2026-07-28"

  func respondModern(to message: Message, headers: HTTPFields) async -> Response {
    guard let id = message.id else { return Self.accepted }
    if let refused = refusal(of: message, id: id, headers) { return answer(refused) }
    return answer(await modernAnswer(id: id, message))
  }

  /// The checks before any method runs, in the order the specification gives them.
  private func refusal(of message: Message, id: JSONValue, _ headers: HTTPFields) -> Answer? {
    guard let version = message.metaVersion,
      message.params["_meta"]?[Message.capabilitiesKey]?.members != nil
    else {
      return .failure(
        id: id, status: .badRequest, code: -32602,
        "_meta must hold \(Message.versionKey) and \(Message.capabilitiesKey).")
    }
    var expected: [(HTTPField.Name, String?)] = [
      (.protocolVersion, version), (.mcpMethod, message.method),
    ]
    if message.method == "tools/call" {
      expected.append((.mcpName, message.params["name"]?.text))
    }
    for (name, value) in expected {
      let sent = headers[values: name]
      guard sent.count == 1, Self.headerText(sent[0]) == value else {
        return .failure(
          id: id, status: .badRequest, code: -32020,
          "The header \(name) must be there once and agree with the body.")
      }
    }
    guard version == Self.modernVersion else {
      return .failure(
        id: id, status: .badRequest, code: -32022, "Unsupported protocol version",
        data: ["supported": [.string(Self.modernVersion)], "requested": .string(version)])
    }
    return nil
  }

  private func modernAnswer(id: JSONValue, _ message: Message) async -> Answer {
    switch message.method {
    case "server/discover":
      return .success(
        id: id,
        Self.complete(
          Self.cacheable([
            "supportedVersions": [.string(Self.modernVersion)],
            "capabilities": ["tools": ["listChanged": false]],
            "instructions": Self.instructions,
          ])))
    case "tools/list":
      return .success(id: id, Self.complete(Self.cacheable(["tools": ShopTools.list])))
    case "tools/call":
      let name = message.params["name"]?.text ?? ""
      let arguments = message.params["arguments"] ?? .object([])
      return switch await tools.call(name, arguments: arguments) {
      case .success(let content): .success(id: id, Self.complete(Self.toolResult(content)))
      case .failure(let text): .success(id: id, Self.complete(Self.toolError(text)))
      case .unknownTool:
        .failure(id: id, status: .badRequest, code: -32602, "Unknown tool: \(name)")
      }
    default:
      return .failure(
        id: id, status: .notFound, code: -32601, "Method not found: \(message.method)")
    }
  }

  private static func complete(_ result: JSONValue) -> JSONValue {
    result.adding("resultType", "complete")
      .adding("_meta", ["io.modelcontextprotocol/serverInfo": serverInfo])
  }

  private static func cacheable(_ result: JSONValue) -> JSONValue {
    result.adding("ttlMs", 0).adding("cacheScope", "private")
  }

  /// A header's text: as it stands, or decoded when it is written as `=?base64?…?=`. Nil when that is malformed.
  private static func headerText(_ value: String) -> String? {
    guard value.hasPrefix("=?base64?"), value.hasSuffix("?="), value.count >= 11 else {
      return value
    }
    let encoded = String(value.dropFirst(9).dropLast(2))
    guard let bytes = Data(base64Encoded: encoded), bytes.base64EncodedString() == encoded else {
      return nil
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
