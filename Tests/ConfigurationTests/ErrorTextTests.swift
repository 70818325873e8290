import Testing

@testable import SluiceConfiguration

@Suite struct ErrorTextTests {
  @Test(
    arguments: Mistake.aboutText + Mistake.aboutKeys + Mistake.aboutListeners
      + Mistake.aboutIdentity)
  func access(_ mistake: Mistake) {
    #expect(headlines(mistake.text) == mistake.expected)
  }

  @Test(
    arguments: Mistake.aboutServers + Mistake.aboutCredentials + Mistake.aboutProfiles
      + Mistake.aboutPolicies)
  func policy(_ mistake: Mistake) {
    #expect(headlines(mistake.text) == mistake.expected)
  }

  @Test(
    arguments: Mistake.aboutLimits + Mistake.aboutWorkers + Mistake.aboutLog + Mistake.aboutAudit
      + Mistake.aboutConsole)
  func tuning(_ mistake: Mistake) {
    #expect(headlines(mistake.text) == mistake.expected)
  }

  @Test func theSampleIsWell() {
    #expect(complaints(Sample().text) == "")
  }

  @Test func everyMistakeIsNamedAtOnce() {
    var sample = Sample(
      listeners: "listeners: [{ address: x }]", audit: "audit: { directory: x, durability: y }")
    sample.rest = "limits: { head_size: 1 }\nlog: { level: loud }"
    let text = complaints(sample.text)
    for path in ["listeners[0].address", "audit.durability", "limits.head_size", "log.level"] {
      #expect(text.contains(path))
    }
  }

  @Test func manyMistakesAreCounted() {
    let text = complaints((0..<80).map { "k\($0): 1\n" }.joined())
    #expect(text.hasSuffix("\n… and 35 more"))
  }

  @Test func anExcerptPointsAtThePlace() {
    let text = complaints(Sample(audit: "audit:\n  directory: x\n  durability: maybe").text)
    #expect(
      text == """
        sluice.yaml:11:15: audit.durability: expected "interval" or "synced", found "maybe"
           11 |   durability: maybe
              |               ^
        """)
  }

  @Test func aLongLineIsCutAroundThePlace() throws {
    let list = String(repeating: "padding, ", count: 40)
    let text = complaints(
      Sample(rest: "log: { level: info, x\u{fc}: [\(list)], format: [\(list)] }").text)
    let lines = text.split(separator: "\n")
    let line = try #require(lines.last { $0.contains("padding") })
    let caret = try #require(lines.last)
    let column = try #require(caret.firstIndex(of: "^"))
    #expect(line.count < 140)
    #expect(
      line[
        line.index(line.startIndex, offsetBy: caret.distance(from: caret.startIndex, to: column))]
        == "[")
  }

  @Test func aTabBeforeThePlaceKeepsTheCaretInLine() {
    let text = complaints(Sample(rest: "log: {\tlevel: loud }").text)
    #expect(text.hasSuffix("   10 | log: {\tlevel: loud }\n      |       \t       ^"))
  }
}

/// Invariant: no secret appears in an error.
@Suite struct ErrorSecrecyTests {
  static let secret = "hunter2hunter2"

  @Test(arguments: [
    "servers:\n  orders: { url: http://x, credential: { header: A, value: \(secret) } }",
    "servers:\n  orders: { url: http://x, credential: { header: A, value: [\(secret)] } }",
    "servers:\n  orders: { url: http://x, credential: { header: A, value: { a: \(secret) } } }",
    "servers:\n  orders: { url: http://x, credential: { header: A, token: \(secret) } }",
    "servers:\n  orders: { url: http://x, credential: { header: A, value: env:\(secret)! } }",
    "servers:\n  orders: { url: http://x, credential: { header: \"A B\", value: '\(secret)' } }",
    "servers:\n  orders: { url: http://x, credential: { header: A, value: \"Bearer \(secret) } }",
    "servers:\n  orders: { url: http://x, credential: Bearer \(secret), extra: 1 }",
    "servers:\n  orders: { url: http://x, api_key: \(secret) }",
    "servers:\n  orders: { url: 'http://admin:\(secret)@x/' }",
    "servers:\n  orders: { url: 'http://x/?token=\(secret)' }",
    "servers:\n  orders:\n    url: http://x\n    credential:\n      header: A\n      value: |\n        \(secret)",
    "servers:\n  orders: { url: http://x }\n  password: \(secret)",
  ])
  func aSecretIsNeverShown(servers: String) {
    let text = complaints(Sample(servers: servers).text)
    #expect(text != "")
    #expect(!text.contains(Self.secret), "\(text)")
  }

  @Test(arguments: [
    "key_sha256: \(secret)", "key: \(secret)", "key_sha256: sluice_\(secret)",
    "key_sha256: [\(secret)]",
  ])
  func anAPIKeyIsNeverShown(key: String) {
    let text = complaints(
      Sample(identity: "identity: { service_accounts: [{ name: a, \(key) }] }").text)
    #expect(text != "")
    #expect(!text.contains(Self.secret), "\(text)")
  }

  @Test func anEnvironmentVariableIsNeverShown() {
    let sample = Sample(
      servers: "servers:\n  orders: { url: http://x, credential: { header: A, value: env:X } }")
    let error = #expect(throws: ConfigurationErrors.self) {
      _ = try read(sample.text, environment: ["X": "\(Self.secret)\u{1}"])
    }
    #expect(error?.description.contains("cannot be sent in a header field") == true)
    #expect(error?.description.contains(Self.secret) == false)
  }
}
