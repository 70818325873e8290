internal import Foundation
internal import PlainJSON
internal import Wire

/// What an agent of the legacy era said about itself when its session began, as JSON. The modern era says it anew with every
/// request.
struct AgentFacts: Sendable {
  var clientInfo: [UInt8]?
  /// Of its capabilities those that exist in both eras.
  var capabilities = Array("{}".utf8)
  /// What `logging/setLevel` has set, as a JSON string.
  var logLevel: [UInt8]?
}

/// Turns requests of the legacy era into requests of the modern one: the same bytes, with the facts of the session in
/// `_meta`, and the header fields that repeat what the body says.
struct ModernRequest {
  var method: String
  var body: [UInt8]
  /// Beside Content-Type and Accept.
  var fields: [(name: String, value: String)]

  static let meta = "io.modelcontextprotocol/"
  private static let ownMembers = [
    "protocolVersion", "clientInfo", "clientCapabilities", "logLevel",
  ]

  /// - Parameters:
  ///   - id: the literal of its id.
  ///   - adding: members that its params get (`inputResponses`, `requestState`).
  ///   - headers: which arguments of which tool a header repeats.
  init(
    _ document: borrowing JSONDocument, method: String, id: [UInt8], facts: AgentFacts,
    adding: [(name: String, value: [UInt8])] = [], headers: ParameterHeaders = ParameterHeaders()
  ) {
    let params = document.member("params", of: document.root)
    var own = [(Self.meta + "protocolVersion", Array("\"\(MessageText.modernRevision)\"".utf8))]
    if let info = facts.clientInfo { own.append((Self.meta + "clientInfo", info)) }
    own.append((Self.meta + "clientCapabilities", facts.capabilities))
    if let level = facts.logLevel { own.append((Self.meta + "logLevel", level)) }
    let without = Dictionary(
      uniqueKeysWithValues: Self.ownMembers.map { (Self.meta + $0, [UInt8]?.none) })
    let meta = document.object(
      document.member("_meta", of: params), changing: without, adding: own)
    let made = document.object(
      params, changing: ["_meta": nil, "inputResponses": nil, "requestState": nil],
      adding: [("_meta", meta)] + adding)
    body = Self.body(method, id, made)
    self.method = method
    fields = Self.fields(method)
    let name =
      switch method {
      case "tools/call", "prompts/get": document.text(document.member("name", of: params))
      case "resources/read": document.text(document.member("uri", of: params))
      default: String?.none
      }
    if let name {
      fields.append(("Mcp-Name", HeaderValue.make(name)))
      if method == "tools/call" {
        fields += headers.fields(
          tool: name, document.member("arguments", of: params), in: document)
      }
    }
  }

  /// A request of the bridge's own.
  /// - Parameter params: members beside `_meta`.
  init(
    _ method: String, id: [UInt8], facts: AgentFacts, params: [(name: String, value: [UInt8])] = []
  ) {
    // An empty document stands for the agent's.
    var own = "{\"\(Self.meta)protocolVersion\":\"\(MessageText.modernRevision)\","
    if let info = facts.clientInfo {
      own += "\"\(Self.meta)clientInfo\":\(String(decoding: info, as: UTF8.self)),"
    }
    own += "\"\(Self.meta)clientCapabilities\":"
    own += String(decoding: facts.capabilities, as: UTF8.self) + "}"
    var made = Array("{\"_meta\":\(own)".utf8)
    for (name, value) in params { made += Array(",\(JSONText.quoted(name)):".utf8) + value }
    made.append(UInt8(ascii: "}"))
    body = Self.body(method, id, made)
    self.method = method
    fields = Self.fields(method)
  }

  private static func body(_ method: String, _ id: [UInt8], _ params: [UInt8]) -> [UInt8] {
    Array("{\"jsonrpc\":\"2.0\",\"id\":".utf8) + id
      + Array(",\"method\":\(JSONText.quoted(method)),\"params\":".utf8) + params
      + Array("}".utf8)
  }

  private static func fields(_ method: String) -> [(name: String, value: String)] {
    [("MCP-Protocol-Version", MessageText.modernRevision), ("Mcp-Method", method)]
  }
}

/// Values of header fields that repeat texts of a body (revision 2026-07-28, Streamable HTTP, "Standard headers").
enum HeaderValue {
  /// The text as it is where a field can carry it, else `=?base64?…?=`.
  static func make(_ text: String) -> String {
    let bytes = Array(text.utf8)
    let isPlain =
      !bytes.isEmpty && bytes.first != 0x20 && bytes.last != 0x20
      && bytes.allSatisfy { (0x20...0x7E).contains($0) }
    let looksEncoded = text.hasPrefix("=?base64?") && text.hasSuffix("?=")
    guard isPlain, !looksEncoded else {
      return "=?base64?\(Data(bytes).base64EncodedString())?="
    }
    return text
  }
}

/// Which arguments of which tool a header field repeats: `x-mcp-header` in a tool's input schema.
struct ParameterHeaders: Sendable {
  private struct Header: Sendable {
    var name: String
    /// Names of members, from the arguments inwards.
    var path: [String]
  }

  private var tools: [String: [Header]] = [:]

  /// How deep in a schema, and at how many members of a tool's, such a header is looked for; how many tools with one are kept.
  private static let depthMax = 16
  private static let headersMax = 64
  private static let toolsMax = 4096

  /// Takes note of a tool as `tools/list` describes it.
  mutating func note(_ tool: JSONToken, in document: borrowing JSONDocument) {
    guard let name = document.text(document.member("name", of: tool)) else { return }
    var found: [Header] = []
    Self.look(document.member("inputSchema", of: tool), [], document, &found)
    tools[name] = nil
    if !found.isEmpty, tools.count < Self.toolsMax { tools[name] = found }
  }

  private static func look(
    _ schema: JSONToken?, _ path: [String], _ document: borrowing JSONDocument,
    _ found: inout [Header]
  ) {
    guard path.count < depthMax else { return }
    for (key, value) in document.members(of: document.member("properties", of: schema)) {
      guard let name = document.text(key), found.count < headersMax else { return }
      let inner = path + [name]
      if let header = document.text(document.member("x-mcp-header", of: value)),
        !header.isEmpty, header.utf8.allSatisfy(isTokenCharacter)
      {
        found.append(Header(name: header, path: inner))
      }
      look(value, inner, document, &found)
    }
  }

  /// `tchar` of RFC 9110 §5.6.2.
  private static func isTokenCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  /// The fields of a call: one for each such argument that is there and not null.
  func fields(
    tool: String, _ arguments: JSONToken?, in document: borrowing JSONDocument
  ) -> [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = []
    for header in tools[tool] ?? [] {
      var value = arguments
      for name in header.path { value = document.member(named: name, of: value) }
      guard let value else { continue }
      switch document.kind(value) {
      case .string:
        fields.append(("Mcp-Param-\(header.name)", HeaderValue.make(document.text(value) ?? "")))
      case .number, .true, .false:
        fields.append(
          ("Mcp-Param-\(header.name)", String(decoding: document.literal(value), as: UTF8.self)))
      case .null, .object, .array: continue
      }
    }
    return fields
  }
}
