import Testing
import Wire

@Suite struct MCPEraTests {
  /// A body with `_meta` of this version, and params of its own.
  static func modern(
    _ method: String, version: String = "2026-07-28", params: String = "",
    capabilities: String = #","io.modelcontextprotocol/clientCapabilities":{}"#
  ) -> String {
    let meta = #""_meta":{"io.modelcontextprotocol/protocolVersion":"\#(version)"\#(capabilities)}"#
    let separator = params.isEmpty ? "" : ","
    return
      #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{\#(params)\#(separator)\#(meta)}}"#
  }

  static func legacy(_ method: String) -> String {
    #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{"name":"query"}}"#
  }

  static let h = "MCP-Protocol-Version: 2026-07-28|"

  struct Row: Sendable, CustomTestStringConvertible {
    var headers: String
    var body: String
    var reading: EraReading
    var testDescription: String { "\(headers) \(body)" }
    init(_ headers: String, _ body: String, _ reading: EraReading) {
      (self.headers, self.body, self.reading) = (headers, body, reading)
    }
    init(_ headers: String, _ body: String, _ status: UInt16, _ code: Int32) {
      self.init(headers, body, .refused(status: status, code: code))
    }
  }

  /// mcp-wire §2, row by row (the first row, repeated headers, is the head parser's).
  static let table: [Row] = [
    Row(h + "Mcp-Method: tools/list|", modern("tools/list"), .modern),
    Row("", modern("tools/list"), 400, -32020),
    Row(
      "MCP-Protocol-Version: 2025-11-25|Mcp-Method: tools/list|", modern("tools/list"), 400, -32020),
    Row(
      "MCP-Protocol-Version: 2026-07-29|Mcp-Method: tools/list|", modern("tools/list"), 400, -32020),
    Row(h + "Mcp-Method: tools/list|", legacy("tools/list"), 400, -32602),
    Row(h, #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, 400, -32602),
    Row(h + "Mcp-Method: tools/list|", modern("tools/list", capabilities: ""), 400, -32602),
    Row(
      "MCP-Protocol-Version: 2027-01-01|Mcp-Method: tools/list|",
      modern("tools/list", version: "2027-01-01"), 400, -32022),
    Row(
      "MCP-Protocol-Version: 2025-11-25|Mcp-Method: tools/list|",
      modern("tools/list", version: "2025-11-25"), 400, -32022),
    Row("", legacy("initialize"), .initialize),
    Row("MCP-Protocol-Version: 2025-11-25|", legacy("initialize"), .initialize),
    Row("", legacy("tools/call"), .legacy(nil)),
    Row("MCP-Protocol-Version: 2025-03-26|", legacy("tools/call"), .legacy(.v2025_03_26)),
    Row("MCP-Protocol-Version: 2025-06-18|", legacy("tools/call"), .legacy(.v2025_06_18)),
    Row("MCP-Protocol-Version: 2025-11-25|", legacy("tools/call"), .legacy(.v2025_11_25)),
    Row("MCP-Protocol-Version: 2024-11-05|", legacy("tools/call"), 400, -32602),
    Row("MCP-Protocol-Version: 2099-01-01|", legacy("tools/call"), 400, -32602),
    Row("MCP-Protocol-Version:|", legacy("tools/call"), 400, -32602),
    Row("", #"{"jsonrpc":"2.0","id":1,"result":{}}"#, .legacy(nil)),
    Row(
      "MCP-Protocol-Version: 2025-11-25|", #"{"jsonrpc":"2.0","id":1,"result":{}}"#,
      .legacy(.v2025_11_25)),
    Row(h, #"{"jsonrpc":"2.0","id":1,"result":{}}"#, 400, -32600),
    Row("", #"{"jsonrpc":"2.0","method":"initialize"}"#, .legacy(nil)),
    Row(
      h + "Mcp-Method: notifications/cancelled|",
      #"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#, .modern),
    Row(h, #"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#, 400, -32020),
    Row(h + "Mcp-Method: tools/list|", #"{"jsonrpc":"2.0","method":"tools/list"}"#, 400, -32602),
  ]

  static let query = #""name":"query""#

  /// The order of the modern ladder, and headers against the body.
  static let ladder: [Row] = [
    Row(h, modern("tools/list"), 400, -32020),
    Row(h + "Mcp-Method: tools/call|", modern("tools/list"), 400, -32020),
    Row(h + "Mcp-Method: Tools/List|", modern("tools/list"), 400, -32020),
    Row(h + "Mcp-Method: tools/list|", modern(#"tools\/list"#), .modern),
    Row(
      h + "Mcp-Method: tools/call|Mcp-Name: query|", modern("tools/call", params: query), .modern),
    Row(
      h + "Mcp-Method: tools/call|Mcp-Name: query|",
      modern("tools/call", params: #""name":"qu\u0065ry""#), .modern),
    Row(
      h + "Mcp-Method: tools/call|Mcp-Name: \t query |", modern("tools/call", params: query),
      .modern),
    Row(
      h + "Mcp-Method: tools/call|Mcp-Name: safe|", modern("tools/call", params: query), 400, -32020
    ),
    Row(
      h + "Mcp-Method: tools/call|Mcp-Name: QUERY|", modern("tools/call", params: query), 400,
      -32020),
    Row(h + "Mcp-Method: tools/call|", modern("tools/call", params: query), 400, -32020),
    Row(h + "Mcp-Method: tools/call|Mcp-Name: query|", modern("tools/call"), 400, -32020),
    Row(h + "Mcp-Method: tools/call|", modern("tools/call"), 400, -32602),
    Row(
      h + "Mcp-Method: resources/read|Mcp-Name: db://x|",
      modern("resources/read", params: #""uri":"db://x""#), .modern),
    Row(
      h + "Mcp-Method: resources/read|Mcp-Name: db://x|",
      modern("resources/read", params: #""uri":"db://y","name":"db://x""#), 400, -32020),
    Row(
      h + "Mcp-Method: tasks/get|Mcp-Name: t1|", modern("tasks/get", params: #""taskId":"t1""#),
      .modern),
    Row(h + "Mcp-Method: tools/list|Mcp-Name: ignored|", modern("tools/list"), .modern),
    Row(h + "Mcp-Method: nope|", modern("nope"), 404, -32601),
    Row(h + "Mcp-Method: ping|", modern("ping"), 404, -32601),
    Row(h + "Mcp-Method: initialize|", modern("initialize"), 404, -32601),
    Row(h + "Mcp-Method: x|", modern("nope"), 400, -32020),
    // The missing capabilities come before the wrong header, the wrong header before the unknown version.
    Row("Mcp-Method: x|", modern("tools/list", capabilities: ""), 400, -32602),
    Row("MCP-Protocol-Version: 2027-01-01|", modern("nope", version: "2027-01-01"), 400, -32020),
    Row(
      "MCP-Protocol-Version: 2027-01-01|Mcp-Method: nope|", modern("nope", version: "2027-01-01"),
      400, -32022),
  ]

  static func encoded(_ header: String, name: String, _ reading: EraReading) -> Row {
    Row(
      h + "Mcp-Method: tools/call|Mcp-Name: \(header)|",
      modern("tools/call", params: #""name":"\#(name)""#), reading)
  }

  static let mismatch = EraReading.refused(status: 400, code: -32020)

  static let sentinels: [Row] = [
    encoded("=?base64?w6k=?=", name: "\u{e9}", .modern),
    encoded("=?base64?w6k=?=", name: #"\u00e9"#, .modern),
    encoded("=?base64?cXVlcnk=?=", name: "query", .modern),
    encoded("=?base64?cXVlcnk?=", name: "query", mismatch),
    encoded("=?base64?cXVlcnl=?=", name: "query", mismatch),
    encoded("=?BASE64?cXVlcnk=?=", name: "query", mismatch),
    encoded("=?base64?cXVl cnk=?=", name: "query", mismatch),
    encoded("=?base64?cXVlcnk=", name: "query", mismatch),
    encoded("=?base64?cXVlcnk=", name: "=?base64?cXVlcnk=", .modern),
    encoded("=?base64?PT9iYXNlNjQ/eD89?=", name: "=?base64?x?=", .modern),
    encoded("=?base64??=", name: "", .modern),
    encoded("=?base64?=", name: "=?base64?=", .modern),
  ]

  @Test(arguments: table + ladder + sentinels)
  func rows(row: Row) {
    #expect(classify(row.headers, row.body) == row.reading)
  }

  @Test func sessionsAndTheirVersions() {
    #expect(EraClassifier.matches(.v2025_06_18, session: .v2025_06_18))
    #expect(!EraClassifier.matches(.v2025_06_18, session: .v2025_11_25))
    #expect(EraClassifier.matches(nil, session: .v2025_03_26))
    #expect(EraClassifier.matches(nil, session: .v2024_11_05))
    #expect(EraClassifier.matches(nil, session: .v2025_11_25))
  }

  @Test(arguments: [
    ("query", "query"), ("a b", "a b"), (" a", "=?base64?IGE=?="), ("a ", "=?base64?YSA=?="),
    ("\u{e9}", "=?base64?w6k=?="), ("=?base64?x?=", "=?base64?PT9iYXNlNjQ/eD89?="),
    ("", "=?base64??="),
    ("abc\u{10348}", "=?base64?YWJj8JCNiA==?="),
  ])
  func headersAreRegeneratedFromTheBody(name: String, header: String) {
    let body = Array(Self.modern("tools/call", params: #""name":"\#(name)""#).utf8)
    var index = JSONIndex(limits: JSONLimits())
    #expect(index.read(body.rawBytes, watch: .none) == nil)
    guard case .message(let message) = MCPReader.read(body.rawBytes, index: index) else {
      Issue.record("not read")
      return
    }
    let fields = httpWritten {
      HTTPWriter.modernFields(
        message, body.rawBytes, index: index, listedName: RawSpan(), into: &$0)
    }
    let expected =
      "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: \(header)\r\n"
    #expect(fields == Array(expected.utf8))
    // And what is written is what the classifier accepts.
    #expect(
      classify(expected.replacing("\r\n", with: "|"), String(decoding: body, as: UTF8.self))
        == .modern)
  }
}
