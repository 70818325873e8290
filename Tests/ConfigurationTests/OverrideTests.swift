import Testing

@testable import SluiceConfiguration

@Suite struct OverrideTests {
  @Test func takeThePlaceOfTheFile() throws {
    let text = Sample(rest: "workers: { count: 7, io: epoll }\nlog:\n").text
    let (configuration, _) = try read(
      text,
      overrides: [
        .listen(["0.0.0.0:1", "[::]:2"]), .workers("2"), .inputOutput("io_uring"), .pinCPUs(true),
        .backlog("3"),
        .maxConnections("4"), .bufferSize("64KiB"), .ringEntries("128"), .auditRingSize("64KiB"),
        .logLevel("error"),
        .logFormat("json"),
      ])
    #expect(configuration.listeners.map(\.address.description) == ["0.0.0.0:1", "[::]:2"])
    #expect(configuration.workers.count == 2)
    #expect(configuration.workers.inputOutput == .ioUring)
    #expect(configuration.workers.pinsCPUs)
    #expect(configuration.workers.backlog == 3)
    #expect(configuration.limits.connectionsMax == 4)
    #expect(configuration.workers.bufferBytes == 64 << 10)
    #expect(configuration.workers.ringEntries == 128)
    #expect(configuration.audit.ringBytes == 64 << 10)
    #expect(configuration.log.level == .error)
    #expect(configuration.log.format == .json)
  }

  @Test func areReadAsStrictlyAsTheFile() {
    let text = complaints(
      Sample().text,
      overrides: [.workers("0"), .listen(["x"]), .bufferSize("5"), .logLevel("loud")])
    #expect(
      text == """
        --listen: listeners[0].address: "x" has no port; write an address and a port, such as 127.0.0.1:8080
        --workers: workers.count: expected a whole number from 1 to 1024, found "0"
        --buffer-size: workers.buffer_size: expected a size from 4KiB to 1MiB, such as 64KiB or 4MiB, found "5"
        --log-level: log.level: expected "trace", "debug", "info", "notice", "warning", "error" or "critical", found "loud"
        """)
  }

  @Test func aFlagThatTakesTLSAwaySaysSo() throws {
    // Its certificate is not even read then.
    let text = Sample(
      listeners:
        "listeners: [{ address: 127.0.0.1:8443, tls: { certificate: \"env:C\", key: \"env:K\" } }]"
    ).text
    func warnings(_ text: String) throws -> [String] {
      try read(text, overrides: [.listen(["127.0.0.1:9"])]).1.warnings.map(\.message)
    }
    #expect(try warnings(Sample().text).isEmpty)
    #expect(
      try warnings(text) == [
        "the file's listener (line 1) speaks TLS, and what listens in its place does not: tokens cross the network in the clear"
      ])
  }

  /// A flag must not open what the file keeps closed.
  @Test func anonymousCallersStayOnLoopback() {
    let sample = Sample(identity: "identity: { anonymous: { groups: [staff] } }")
    #expect(complaints(sample.text) == "")
    let text = complaints(sample.text, overrides: [.listen(["10.0.0.1:80"])])
    #expect(
      text.hasPrefix(
        "sluice.yaml:2:24: identity.anonymous: listeners[0] (10.0.0.1:80) can be reached"))
  }

  @Test func aFlagForASectionThatIsNoMappingLeavesTheComplaintToTheFile() {
    let text = complaints(Sample(rest: "workers: 3").text, overrides: [.workers("2")])
    #expect(text.hasPrefix("sluice.yaml:10:10: workers: expected a mapping"))
  }
}

@Suite struct SuggestionTests {
  @Test(arguments: [
    ("listener", "listeners"), ("Limit", "limits"), ("on-failure", "on_failure"), ("ulr", "url"),
    ("conect_timeout", "connect_timeout"), ("timeout_connect", nil), ("x", nil), ("", nil),
    (String(repeating: "l", count: 100_000), nil),
  ])
  func nearestCandidate(word: String, expected: String?) {
    let candidates = ["listeners", "limits", "on_failure", "url", "connect_timeout"]
    #expect(Suggestion.among(candidates, for: word) == expected)
  }

  @Test func distanceIsAMetricOfEdits() {
    func distance(_ left: String, _ right: String) -> Int {
      Suggestion.distance(Array(left), Array(right))
    }
    #expect(distance("", "") == 0)
    #expect(distance("", "abc") == 3)
    #expect(distance("kitten", "sitting") == 3)
    #expect(distance("abcd", "abdc") == 1)
    #expect(distance("sluice", "slice") == 1)
  }
}
