import ExampleServer
import PlainJSON
import Testing

@Suite struct ModernEraTests {
  @Test func discoverListAndCallNeedNoSession() async throws {
    try await withServer { _, client in
      let found = try await client.modern("server/discover")
      #expect(found.status == 200)
      #expect(found.json?["id"] == "a-1")
      #expect(found.headers["mcp-session-id"] == nil)
      #expect(found.result?["supportedVersions"] == ["2026-07-28"])
      #expect(found.result?["resultType"] == "complete")
      #expect(found.result?["ttlMs"] == 0)
      let list = try await client.modern("tools/list")
      #expect(list.result?["tools"]?.elements?.count == 4)
      #expect(list.result?["cacheScope"] == "private")
      let call = try await client.modern(
        "tools/call", params: #""name":"list_tables","arguments":{}"#, name: "list_tables")
      #expect(call.result?["structuredContent"] == ["tables": ["customers", "orders"]])
      #expect(call.result?["resultType"] == "complete")
    }
  }

  @Test func headersMustAgreeWithTheBody() async throws {
    try await withServer { _, client in
      let params = #""name":"query","arguments":{"sql":"DROP TABLE orders"}"#
      for headers in [
        ["Mcp-Name": "list_tables"], ["Mcp-Method": "tools/list"],
        ["Mcp-Name": "=?base64?broken?="],
        ["MCP-Protocol-Version": "2026-08-01"],
      ] {
        let refused = try await client.modern(
          "tools/call", params: params, name: "query", headers: headers)
        #expect(refused.status == 400, "\(headers)")
        #expect(refused.errorCode == -32020, "\(headers)")
      }
      let missing = try await client.modern("tools/call", params: params)
      #expect(missing.errorCode == -32020)
      let encoded = try await client.modern(
        "tools/call", params: #""name":"list_tables","arguments":{}"#,
        headers: ["Mcp-Name": "=?base64?bGlzdF90YWJsZXM=?="])
      #expect(encoded.result?["structuredContent"] == ["tables": ["customers", "orders"]])
    }
  }

  @Test func theLadderOfRefusals() async throws {
    try await withServer { _, client in
      let bare = try await client.send(
        body: #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#,
        headers: ["MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"])
      #expect(bare.status == 400)
      #expect(bare.errorCode == -32602)
      let future = try await client.send(
        body:
          #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2031-01-01","io.modelcontextprotocol/clientCapabilities":{}}}}"#,
        headers: ["MCP-Protocol-Version": "2031-01-01", "Mcp-Method": "tools/list"])
      #expect(future.status == 400)
      #expect(future.errorCode == -32022)
      #expect(future.json?["error"]?["data"]?["supported"] == ["2026-07-28"])
      let unknown = try await client.modern("ping")
      #expect(unknown.status == 404)
      #expect(unknown.errorCode == -32601)
      #expect(
        try await client.send("DELETE", headers: ["MCP-Protocol-Version": "2026-07-28"]).status
          == 405)
    }
  }

  @Test func answersCanComeAsAnEventStream() async throws {
    try await withServer(answers: .eventStream) { _, client in
      let found = try await client.modern("server/discover")
      #expect(found.headers["content-type"] == "text/event-stream")
      #expect(found.text.hasPrefix("event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"a-1\""))
      #expect(found.text.hasSuffix("}\r\n\r\n"))
    }
  }

  @Test func aStoppedServerNoLongerListens() async throws {
    let server = try ExampleServer()
    let port = try await server.start()
    #expect(try await Client(port: port).modern("server/discover").status == 200)
    await server.stop()
    await #expect(throws: (any Error).self) {
      try await Client(port: port).modern("server/discover")
    }
  }
}
