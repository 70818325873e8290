import Identity
import Testing

@testable import SluiceConfiguration

/// Servers that the gateway starts itself.
@Suite struct CommandServerTests {
  static let text = Sample(
    servers: """
      servers:
        orders:
          command: [uvx, postgres-mcp, --access-mode=restricted, ""]
          environment: { PGURL: env:TOKEN, LANG: C.UTF-8, RETRIES: 3 }
          directory: data
          sharing: shared
          limits: { max_processes: 5, start_timeout: 90s, idle_timeout: 2m }
      """
  ).text

  private func text(_ secret: Secret) -> String {
    secret.reveal { span in
      String(
        decoding: (0..<span.byteCount).map {
          unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
        }, as: UTF8.self)
    }
  }

  @Test func everyKeyArrives() throws {
    let (configuration, reading) = try read(Self.text)
    let server = configuration.servers[0]
    #expect(server.isCommand)
    #expect(server.command == ["uvx", "postgres-mcp", "--access-mode=restricted", ""])
    #expect(server.environment.map(\.name) == ["PGURL", "LANG", "RETRIES"])
    #expect(server.environment.map { text($0.value) } == ["s3cr3t-t0ken", "C.UTF-8", "3"])
    #expect(server.environment.map(\.isReference) == [true, false, false])
    #expect(server.directory == "/etc/sluice/data")
    #expect(server.sharing == .shared)
    #expect(server.processLimits.processesMax == 5)
    #expect(server.processLimits.startMilliseconds == 90_000)
    #expect(server.processLimits.idleMilliseconds == 120_000)
    #expect(server.path == "/orders/mcp")
    #expect(reading.warnings.isEmpty)
  }

  @Test func leftOutMeansTheDefault() throws {
    let server = try read(
      Sample(servers: "servers:\n  orders: { command: [./server, -v] }").text
    ).0.servers[0]
    #expect(server.command == ["/etc/sluice/server", "-v"])
    #expect(server.environment.isEmpty)
    #expect(server.directory == nil)
    #expect(server.sharing == .session)
    #expect(server.processLimits == ProcessLimitsConfiguration())
    #expect(try !read(Sample().text).0.servers[0].isCommand)
  }

  @Test func aSecretWrittenPlainlyIsWarnedAbout() throws {
    let sample = Sample(
      servers:
        "servers:\n  orders: { command: [x], environment: { API_TOKEN: abc, B_TOKEN: env:TOKEN, C: d } }"
    )
    let warnings = try read(sample.text).1.warnings
    #expect(warnings.map(\.path) == ["servers.orders.environment.API_TOKEN"])
  }

  @Test func theSummaryShowsNoSecret() throws {
    let sample = Sample(
      servers:
        "servers:\n  orders: { command: [uvx, --key=k3y], environment: { A: pl4in, B: env:TOKEN } }"
    )
    var issues: [ConfigurationIssue] = []
    let source = try #require(
      SourceText.decode(Array(sample.text.utf8), name: "sluice.yaml", issues: &issues))
    let loaded = try ConfigurationLoader.load(
      source, overrides: [],
      secrets: SecretResolver(environment: ["TOKEN": "s3cr3t"], directory: "/etc/sluice"))
    let summary = ConfigurationSummary(loaded, name: "sluice.yaml").description
    #expect(
      summary.contains(
        "orders: /orders/mcp -> process uvx (1 arguments), with A, B from env:TOKEN; a process per session, at most 64"
      ))
    for secret in ["k3y", "pl4in", "s3cr3t"] { #expect(!summary.contains(secret)) }
  }
}
