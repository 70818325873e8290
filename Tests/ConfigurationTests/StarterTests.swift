import Foundation
import Identity
import PlainJSON
import Policy
import Testing

@testable import SluiceConfiguration

@Suite struct StarterTests {
  let text = StarterConfiguration.text(keySHA256: Sample.digest)

  @Test func isWellAsItIs() throws {
    let (configuration, reading) = try read(text)
    #expect(reading.warnings.isEmpty)
    #expect(configuration.servers.map(\.name) == ["orders"])
    #expect(configuration.limits == LimitsConfiguration())
  }

  /// The settings that stand there as comments are real ones, and say the defaults.
  @Test func isWellWithEverySettingOn() throws {
    let everything = text.replacing(/(?m)^( *)#(?=[a-z_]+:)/) { "\($0.output.1)" }
    let environment = ["ORDERS_TOKEN": "x", "CRM_TOKEN": "y", "PATH": "/bin", "HOME": "/"]
    let (configuration, _) = try read(everything, environment: environment)
    #expect(configuration.limits == LimitsConfiguration())
    #expect(configuration.workers == WorkersConfiguration())
    #expect(configuration.log == LogConfiguration())
    var audit = AuditConfiguration()
    audit.directory = configuration.audit.directory
    #expect(configuration.audit == audit)
    #expect(configuration.identity.anonymous != nil)
    #expect(configuration.identity.oidc.map(\.provider.name) == ["idp.example"])
    #expect(configuration.publicURL?.description == "https://mcp.example")
    #expect(configuration.servers[0].path == "/orders/mcp")
    #expect(configuration.servers[0].credential?.reference == "env:ORDERS_TOKEN")
    #expect(configuration.servers[1].processLimits == ProcessLimitsConfiguration())
    #expect(configuration.servers[1].sharing == .session)
  }

  @Test func mentionsEveryKey() {
    for key in SchemaKeys.all {
      #expect(text.contains(key), "\(key)")
    }
  }

  @Test func holdsWhatItIsGiven() {
    let text = StarterConfiguration.text(
      keySHA256: Sample.digest, serverURL: "http://10.0.0.1:7/x", listen: "[::1]:80")
    #expect(text.contains(Sample.digest))
    #expect(text.contains("url: \"http://10.0.0.1:7/x\""))
    #expect(complaints(text) == "")
  }

  @Test func isNoWiderThanAScreen() {
    for line in text.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
  }
}

@Suite struct SchemaTests {
  @Test func isJSONAndNamesItsDialect() throws {
    let data = Data(ConfigurationLoader.schema.utf8)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    #expect(object["additionalProperties"] as? Bool == false)
    #expect(
      object["required"] as? [String] == ["listeners", "identity", "servers", "profiles", "audit"])
    let properties = try #require(object["properties"] as? [String: Any])
    let limits = try #require(properties["limits"] as? [String: Any])
    #expect(limits["type"] as? [String] == ["object", "null"])
    let keys = try #require(limits["properties"] as? [String: Any])
    let head = try #require(keys["head_size"] as? [String: Any])
    #expect(head["default"] as? String == "32KiB")
    #expect(head["pattern"] as? String == "^[0-9]+(B|KiB|MiB|GiB)$")
    #expect((head["description"] as? String)?.isEmpty == false)
  }

  @Test func quotesWhatJSONQuotes() {
    #expect(JSONText.quoted("a\"b\\c\nd\u{1}é") == #""a\"b\\c\nd\u0001é""#)
    #expect(JSONValue.array([]).indented == "[]")
    let value: JSONValue = ["a": [1, true], "b": ["c": .null]]
    #expect(
      value.indented == """
        {
          "a": [
            1,
            true
          ],
          "b": {
            "c": null
          }
        }
        """)
    #expect(value.json == #"{"a":[1,true],"b":{"c":null}}"#)
  }
}
