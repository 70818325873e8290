import Policy
import Testing

@testable import SluiceConfiguration

/// A configuration that is well, in parts, so that a test changes only what it is about.
struct Sample {
  var listeners = "listeners: [{ address: 127.0.0.1:8080 }]"
  var identity = """
    identity:
      service_accounts:
        - { name: bot, key_sha256: "\(Sample.digest)", groups: [staff] }
    """
  var servers = """
    servers:
      orders: { url: "http://127.0.0.1:9000/mcp" }
    """
  var profiles = """
    profiles:
      reader: { groups: [staff], allow: [{ server: orders, tools: [query] }] }
    """
  var policies = ""
  var audit = "audit: { directory: /var/lib/sluice }"
  var rest = ""

  static let digest = String(repeating: "0123456789abcdef", count: 4)

  var text: String {
    [listeners, identity, servers, profiles, policies, audit, rest].filter { !$0.isEmpty }
      .joined(separator: "\n") + "\n"
  }
}

/// Reads a text as the file `sluice.yaml` in the folder `/etc/sluice`.
func read(
  _ text: String, overrides: [ConfigurationOverride] = [],
  environment: [String: String] = ["TOKEN": "s3cr3t-t0ken", "HOOK_SECRET": "0123456789abcdef"]
) throws(ConfigurationErrors) -> (Configuration, Reading) {
  var issues: [ConfigurationIssue] = []
  guard let source = SourceText.decode(Array(text.utf8), name: "sluice.yaml", issues: &issues)
  else {
    throw ConfigurationErrors(issues, in: SourceText(name: "sluice.yaml", text: text))
  }
  let secrets = SecretResolver(environment: environment, directory: "/etc/sluice")
  return try ConfigurationLoader.read(source, overrides: overrides, secrets: secrets)
}

/// What reading the text complains about, as it is printed; empty when it does not.
func complaints(_ text: String, overrides: [ConfigurationOverride] = []) -> String {
  do {
    _ = try read(text, overrides: overrides)
    return ""
  } catch {
    return error.description
  }
}

/// The complaints about a text, one per line, without the file's name and without excerpts.
func headlines(_ text: String) -> String {
  do {
    _ = try read(
      text, environment: ["TOKEN": "s3cr3t-t0ken", "EMPTY": "", "LINES": "a\nb"])
    return ""
  } catch {
    let nothing = SourceText(name: "", text: "")
    return error.issues.map { issue in
      var issue = issue
      issue.showsSource = false
      return String(issue.rendered(in: nothing).drop { $0 == ":" || $0 == " " })
    }.joined(separator: "\n")
  }
}
