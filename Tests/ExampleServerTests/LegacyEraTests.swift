import ExampleServer
import PlainJSON
import Testing

@Suite struct LegacyEraTests {
  @Test(arguments: ["2025-03-26", "2025-06-18", "2025-11-25"])
  func aSessionFromInitializeToTheEnd(version: String) async throws {
    try await withServer { _, client in
      let opened = try await client.initialize(version: version)
      #expect(opened.status == 200)
      #expect(opened.result?["protocolVersion"] == .string(version))
      let session = try #require(opened.headers["mcp-session-id"])
      let header = ["MCP-Protocol-Version": version]
      let noted = try await client.send(
        body: #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        headers: ["Mcp-Session-Id": session])
      #expect(noted.status == 202)
      #expect(noted.text.isEmpty)
      #expect(
        try await client.legacy("ping", session: session, headers: header).text
          == #"{"jsonrpc":"2.0","id":7,"result":{}}"#)
      let list = try await client.legacy("tools/list", session: session, headers: header)
      #expect(
        list.result?["tools"]?.elements?.compactMap { $0["name"]?.text }
          == ["list_tables", "describe_table", "query", "customer_card"])
      let call = try await client.legacy(
        "tools/call", params: #"{"name":"query","arguments":{"sql":"SELECT 1 AS one"}}"#,
        session: session, headers: header)
      #expect(call.result?["structuredContent"]?["rows"] == [["one": 1]])
      #expect(call.result?["resultType"] == nil)
      let text = try #require(call.result?["content"]?[0]?["text"]?.text)
      #expect(try JSONValue(parsing: text.utf8) == call.result?["structuredContent"])
      #expect(try await client.send("DELETE", headers: ["Mcp-Session-Id": session]).status == 200)
      #expect(try await client.legacy("ping", session: session).status == 404)
    }
  }

  @Test func anUnknownVersionIsAnsweredWithOneWeSpeak() async throws {
    try await withServer { _, client in
      let opened = try await client.initialize(version: "2024-01-01")
      #expect(opened.result?["protocolVersion"] == "2025-11-25")
    }
  }

  @Test func sessionsAreChecked() async throws {
    try await withServer { _, client in
      #expect(try await client.legacy("tools/list", session: nil).status == 400)
      #expect(try await client.legacy("tools/list", session: "no-such-session").status == 404)
      let session = try await client.initialize(version: "2025-06-18").headers["mcp-session-id"]
      let mixed = try await client.legacy(
        "tools/list", session: session, headers: ["MCP-Protocol-Version": "2025-11-25"])
      #expect(mixed.status == 400)
    }
  }

  @Test func errorsOfSQLAreResultsAndUnknownToolsAreErrors() async throws {
    try await withServer { _, client in
      let session = try await client.initialize(version: "2025-11-25").headers["mcp-session-id"]
      func call(_ params: String) async throws -> Exchange {
        try await client.legacy("tools/call", params: params, session: session)
      }
      let sql = try await call(#"{"name":"query","arguments":{"sql":"SELEC 1"}}"#)
      #expect(sql.status == 200)
      #expect(sql.result?["isError"] == true)
      #expect(sql.result?["content"]?[0]?["text"]?.text?.contains("syntax error") == true)
      #expect(try await call(#"{"name":"query","arguments":{"sql":5}}"#).result?["isError"] == true)
      #expect(try await call(#"{"name":"nothing"}"#).errorCode == -32602)
      #expect(try await client.legacy("nothing", session: session).errorCode == -32601)
    }
  }

  @Test func oneCustomerComesAsADocument() async throws {
    try await withServer { server, client in
      let session = try await client.initialize(version: "2025-11-25").headers["mcp-session-id"]
      let card = try await client.legacy(
        "tools/call", params: #"{"name":"customer_card","arguments":{"customer_id":7}}"#,
        session: session)
      let row = try await server.database.run("SELECT * FROM customers WHERE id = 7").rows[0]
      let customer = card.result?["structuredContent"]?["customer"]
      #expect(customer?["email"] == row["email"])
      #expect(customer?["card"]?["number"] == row["card_number"])
      #expect(customer?["card"]?["number"] != nil)
      let none = try await client.legacy(
        "tools/call", params: #"{"name":"customer_card","arguments":{"customer_id":99}}"#,
        session: session)
      #expect(none.result?["isError"] == true)
    }
  }

  @Test func requestsThatAreNoMCPAreRefused() async throws {
    try await withServer { _, client in
      #expect(try await client.send("GET").status == 405)
      for (body, code) in [("{", -32700), ("[]", -32600), ("3", -32600)] as [(String, Int64)] {
        let refused = try await client.send(body: body)
        #expect(refused.status == 400)
        #expect(refused.errorCode == code)
      }
      #expect(
        try await client.send(body: #"{"jsonrpc":"2.0","id":null,"method":"ping"}"#).status == 400)
      #expect(
        try await client.send(body: "{}", headers: ["Content-Type": "text/plain"]).status == 415)
      #expect(
        try await client.send(body: "{}", headers: ["Accept": "application/json"]).status == 406)
      #expect(
        try await client.send(body: "{}", headers: ["Origin": "http://elsewhere.example"]).status
          == 403)
      #expect(
        try await client.send(body: String(repeating: " ", count: 1 << 20) + "{}").status == 413)
    }
  }
}
