/// Which answer a request gets.
enum AnswerKind: Int, CaseIterable {
  case initialize, discover, list, callJSON, callEvents, ping, unknownMethod
}

/// All answers of one model server, made before the first request.
final class AnswerBook: Sendable {
  private let templates: [AnswerTemplate]
  let accepted: [UInt8]
  let proceed: [UInt8]
  private let bareAnswers: [UInt16: [UInt8]]

  init(_ settings: ModelServerSettings) {
    var templates: [AnswerTemplate] = []
    for era in WireEra.allCases {
      for kind in AnswerKind.allCases {
        templates.append(AnswerBook.make(kind, era, settings))
      }
    }
    self.templates = templates
    accepted = Array("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".utf8)
    proceed = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    var bare: [UInt16: [UInt8]] = [:]
    for (status, text) in [
      (400, "Bad Request"), (405, "Method Not Allowed"), (411, "Length Required"),
      (413, "Content Too Large"),
    ] as [(UInt16, String)] {
      let allow = status == 405 ? "Allow: POST\r\n" : "Connection: close\r\n"
      bare[status] = Array("HTTP/1.1 \(status) \(text)\r\n\(allow)Content-Length: 0\r\n\r\n".utf8)
    }
    bareAnswers = bare
  }

  static func index(_ kind: AnswerKind, _ era: WireEra) -> Int {
    Int(era.rawValue) * AnswerKind.allCases.count + kind.rawValue
  }

  subscript(index: Int) -> AnswerTemplate { templates[index] }

  /// A head without a body, for what these servers do not do.
  func bare(_ status: UInt16) -> [UInt8] { bareAnswers[status]! }

  private static func make(
    _ kind: AnswerKind, _ era: WireEra, _ settings: ModelServerSettings
  ) -> AnswerTemplate {
    let type = era == .modern ? #""resultType":"complete","# : ""
    let cache = era == .modern ? #","ttlMs":60000,"cacheScope":"private""# : ""
    let server = #"{"name":"sluice-model-server","version":"1"}"#
    func json(_ text: String, status: String = "200 OK", fields: String = "") -> AnswerTemplate {
      .json(status: status, fields: fields, text: text, chunked: settings.chunked)
    }
    switch kind {
    case .initialize:
      guard settings.eras.contains(.legacy) else { return unknown(json, settings.eras) }
      return json(
        #","result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":\#(server)}}"#,
        fields: "Mcp-Session-Id: 6d6f64656c2d736572766572\r\n")
    case .discover:
      guard settings.eras.contains(.modern) else { return unknown(json, settings.eras) }
      return json(
        #","result":{\#(type)"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"_meta":{"io.modelcontextprotocol/serverInfo":\#(server)}\#(cache)}}"#
      )
    case .list: return json(#","result":{\#(type)"tools":[\#(tools)]\#(cache)}}"#)
    case .callJSON:
      let result = CallResult(bytes: settings.bytes, shape: settings.shape, era: era)
      return json(result.text)
    case .callEvents:
      let result = CallResult(bytes: settings.bytes, shape: settings.shape, era: era)
      let notifications = (0..<settings.events).map {
        #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"step \#($0)"}}"#
      }
      return .events(notifications: notifications, text: result.text)
    case .ping: return json(#","result":{}}"#)
    case .unknownMethod:
      return json(
        #","error":{"code":-32601,"message":"Method not found"}}"#,
        status: era == .modern ? "404 Not Found" : "200 OK")
    }
  }

  /// The answer of a server of one era to the other's first request: what makes clients fall back.
  private static func unknown(
    _ json: (String, String, String) -> AnswerTemplate, _ eras: Set<WireEra>
  ) -> AnswerTemplate {
    eras.contains(.legacy)
      ? json(#","error":{"code":-32600,"message":"Bad Request"}}"#, "400 Bad Request", "")
      : json(#","error":{"code":-32601,"message":"Method not found"}}"#, "404 Not Found", "")
  }

  private static let tools: String = ["query", "customers", "orders"].map {
    #"{"name":"\#($0)","description":"Reads \#($0).","inputSchema":{"type":"object"}}"#
  }.joined(separator: ",")
}
