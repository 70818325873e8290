/// The eras that a test's request may be of.
enum RequestEra: String, CaseIterable { case legacy, modern }

/// What agents and servers send.
extension SimulatedGateway {
  static func post(
    _ body: String, key: String? = "key-ada", path: String = "/shop/mcp", more: String = ""
  ) -> String {
    let authorization = key.map { "Authorization: Bearer \($0)\r\n" } ?? ""
    return "POST \(path) HTTP/1.1\r\nHost: gateway\r\n\(authorization)"
      + "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
      + "\(more)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  /// A request without a body, in a session that `fields` names.
  static func bare(
    _ fields: String, method: String = "GET", key: String = "key-ada", path: String = "/shop/mcp"
  ) -> String {
    "\(method) \(path) HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer \(key)\r\n"
      + "Accept: application/json, text/event-stream\r\n\(fields)\r\n"
  }

  static func call(_ tool: String, _ arguments: String = "{}", id: String = "1") -> String {
    "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"tools/call\","
      + "\"params\":{\"name\":\"\(tool)\",\"arguments\":\(arguments)}}"
  }

  /// The same in the modern era; its request also needs `modernFields`.
  static func modernCall(_ tool: String, id: String = "1") -> String {
    "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"tools/call\","
      + "\"params\":{\"name\":\"\(tool)\",\"arguments\":{},\"_meta\":{"
      + "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
      + "\"io.modelcontextprotocol/clientCapabilities\":{},"
      + "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}}"
  }

  static func modernFields(_ tool: String) -> String { modernFields(of: "tools/call", tool) }

  /// The fields that a request of the modern era has.
  static func modernFields(
    of method: String, _ name: String? = nil, version: String = "2026-07-28"
  ) -> String {
    "MCP-Protocol-Version: \(version)\r\nMcp-Method: \(method)\r\n"
      + (name.map { "Mcp-Name: \($0)\r\n" } ?? "")
  }

  /// The member of `params` that a request of the modern era has.
  static let modernMeta = modernMeta(capabilities: "{}")

  static func modernMeta(capabilities: String) -> String {
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
      + "\"io.modelcontextprotocol/clientCapabilities\":\(capabilities)}"
  }

  static func json(_ body: String, status: String = "200 OK", more: String = "") -> String {
    "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(more)"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }
}
