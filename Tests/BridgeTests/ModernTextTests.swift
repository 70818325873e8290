import Testing

@testable import Bridge

/// Requests and answers between the eras, as texts.
@Suite struct ModernTextTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
  private func document(_ text: String) throws -> JSONDocument {
    guard let made = JSONDocument(bytes(text), bytesMax: 1 << 16) else { throw NoDocument() }
    return made
  }
  private struct NoDocument: Error {}

  private func request(
    _ text: String, _ method: String, facts: AgentFacts = AgentFacts(),
    adding: [(name: String, value: [UInt8])] = [], headers: ParameterHeaders = ParameterHeaders()
  ) throws -> ModernRequest {
    ModernRequest(
      try document(text), method: method, id: bytes("7"), facts: facts, adding: adding,
      headers: headers)
  }

  @Test func aRequestSaysAnewWhatItsSessionSaidOnce() throws {
    var facts = AgentFacts()
    facts.clientInfo = bytes(#"{"name":"a","version":"1"}"#)
    facts.capabilities = bytes(#"{"elicitation":{}}"#)
    facts.logLevel = bytes("\"info\"")
    let made = try request(
      #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"n":1.50,"n2":12345678901234567890},"_meta":{"progressToken":9}}}"#,
      "tools/call", facts: facts)
    #expect(
      text(made.body)
        == #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"a","version":"1"},"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},"io.modelcontextprotocol/logLevel":"info","progressToken":9},"name":"t","arguments":{"n":1.50,"n2":12345678901234567890}}}"#
    )
    #expect(made.fields.map(\.name) == ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"])
    #expect(made.fields.map(\.value) == ["2026-07-28", "tools/call", "t"])
  }

  @Test func whatOnlyTheBridgeMaySayIsTakenFromTheAgent() throws {
    let made = text(
      try request(
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","requestState":"forged","inputResponses":{"a":{}},"_meta":{"io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"io.modelcontextprotocol/client\u0049nfo":{"name":"forged"}}}}"#,
        "tools/call", adding: [("requestState", bytes("\"own\""))]
      ).body)
    #expect(!made.contains("forged") && !made.contains("sampling"))
    #expect(made.contains(#""requestState":"own""#))
  }

  @Test func aRequestWithoutParamsGetsSome() throws {
    let made = try request(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, "tools/list")
    #expect(
      text(made.body).contains(#""params":{"_meta":{"io.modelcontextprotocol/protocolVersion"#))
    let own = ModernRequest("server/discover", id: bytes("1"), facts: AgentFacts())
    _ = try document(text(own.body))
  }

  @Test(arguments: [
    ("plain", "plain"), ("a b", "a b"), ("Zürich", "=?base64?WsO8cmljaA==?="),
    (" x", "=?base64?IHg=?="), ("=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="),
    ("a\nb", "=?base64?YQpi?="), ("", "=?base64??="),
  ])
  func aFieldCarriesAnyText(text: String, value: String) {
    #expect(HeaderValue.make(text) == value)
  }

  @Test func argumentsAreRepeatedWhereTheSchemaSaysSo() throws {
    let tools = try document(
      #"{"tools":[{"name":"t","inputSchema":{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"object","properties":{"c":{"type":"integer","x-mcp-header":"C"}}},"d":{"x-mcp-header":"bad name"},"e":{"x-mcp-header":"E"},"f":{"x-mcp-header":"F"}}}}]}"#
    )
    var headers = ParameterHeaders()
    for tool in tools.elements(of: tools.member("tools", of: tools.root)) {
      headers.note(tool, in: tools)
    }
    func fields(_ call: String) throws -> [String] {
      try request(call, "tools/call", headers: headers).fields.dropFirst(3)
        .map { "\($0.name): \($0.value)" }
    }
    let call =
      #"{"params":{"name":"t","arguments":{"a":"ü","b":{"c":42},"d":"no","e":null,"f":true}}}"#
    #expect(
      try fields(call) == ["Mcp-Param-A: =?base64?w7w=?=", "Mcp-Param-C: 42", "Mcp-Param-F: true"])
    #expect(try fields(#"{"params":{"name":"t"}}"#).isEmpty)
    #expect(try fields(#"{"params":{"name":"other","arguments":{"a":"x"}}}"#).isEmpty)
  }

  @Test func resultsLoseWhatOnlyTheModernEraKnows() throws {
    func legacy(_ result: String, _ method: String) throws -> String {
      let document = try document(result)
      return text(LegacyAnswer.result(document.root, of: method, in: document))
    }
    #expect(
      try legacy(
        #"{"resultType":"complete","content":[],"structuredContent":[1,2],"ttlMs":5}"#, "tools/call"
      )
        == #"{"content":[],"structuredContent":{"result":[1,2]}}"#)
    #expect(
      try legacy(#"{"structuredContent":{"resultType":"mine"}}"#, "tools/call")
        == #"{"structuredContent":{"resultType":"mine"}}"#)
    #expect(
      try legacy(
        #"{"tools":[{"name":"a","outputSchema":{"type":"array"}},{"name":"b","outputSchema":{"type":"object"}}],"cacheScope":"private"}"#,
        "tools/list")
        == #"{"tools":[{"name":"a"},{"name":"b","outputSchema":{"type":"object"}}]}"#)
  }

  @Test func initializeIsAnsweredFromDiscover() throws {
    let discovered = try document(
      #"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"extensions":{"x":{}},"tasks":{}},"instructions":"i","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"2"}}}"#
    )
    let made = LegacyAnswer.initialize(
      discovered.root, version: "2025-06-18", serverName: "orders", in: discovered)
    #expect(
      made.map(text)
        == #"{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"s","version":"2"},"instructions":"i"}"#
    )
    let newer = try document(#"{"supportedVersions":["2030-01-01"],"capabilities":{}}"#)
    #expect(
      LegacyAnswer.initialize(newer.root, version: "2025-11-25", serverName: "o", in: newer) == nil)
  }
}
