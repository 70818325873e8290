import Testing

@testable import SluiceConfiguration

/// Whom listeners speak to.
@Suite struct ListenerTests {
  private func load(_ listener: String) throws -> Configuration {
    try read(Sample(listeners: "listeners: [{ \(listener) }]").text).0
  }

  @Test func aLoopbackListenerTakesThisMachinesNames() throws {
    let configuration = try load("address: 127.0.0.1:8080")
    let hosts = try #require(configuration.listeners[0].hosts(publicHost: "mcp.example"))
    #expect(Set(hosts) == ["localhost", "127.0.0.1", "[::1]", "mcp.example"])
    #expect(configuration.listeners[0].allowedOrigins.isEmpty)
  }

  @Test func othersTakeAnyHost() throws {
    let configuration = try load("address: 0.0.0.0:8080")
    #expect(configuration.listeners[0].hosts(publicHost: nil) == nil)
  }

  @Test func aListIsTaken() throws {
    let configuration = try load(
      "address: 0.0.0.0:8080, allowed_hosts: [MCP.example, \"10.0.0.1:80\", \"[::1]\"], "
        + "allowed_origins: [\"https://Inspector.example\", \"http://localhost:6274\"]")
    let listener = configuration.listeners[0]
    #expect(listener.hosts(publicHost: "other") == ["mcp.example", "10.0.0.1:80", "[::1]"])
    #expect(listener.allowedOrigins == ["https://inspector.example", "http://localhost:6274"])
    let open = try load("address: 127.0.0.1:8080, allowed_hosts: [\"*\"]")
    #expect(open.listeners[0].hosts(publicHost: nil) == nil)
  }

  @Test(arguments: [
    ("allowed_hosts: []", "at least one"),
    ("allowed_hosts: [\"http://a\"]", "port"),
    ("allowed_hosts: [\"a b\"]", "neither"),
    ("allowed_origins: [\"*\"]", "every web page"),
    ("allowed_origins: [inspector.example]", "is no origin"),
    ("allowed_origins: [\"HTTPS://a\"]", "is no origin"),
    ("allowed_origins: [\"https://a/b\"]", "leave \"/b\" out"),
    ("allowed_origins: [\"https://a:443\"]", "leave :443 out"),
    ("allowed_origins: [\"http://a:80\"]", "leave :80 out"),
    ("allowed_origins: [\"https://a b\"]", "neither"),
  ])
  func mistakes(text: String, message: String) {
    let problem = headlines(
      Sample(listeners: "listeners: [{ address: 127.0.0.1:8080, \(text) }]").text)
    #expect(problem.contains(message), "\(problem)")
  }
}
