import ArgumentParser
import Identity
import PlainJSON

/// `sluice key`
struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Make an API key for a service account.",
    discussion: """
      Prints a new key, which is shown only this once, and the line for the configuration, which holds only the \
      key's hash.

      EXAMPLES:
        sluice key --name nightly-report --group reporting
      """)

  @Option(help: "Name of the service account.")
  var name = "my-agent"

  @Option(name: [.customLong("group")], help: "A group the account is in. May be repeated.")
  var groups: [String] = []

  func run() throws {
    let key = try KeyCommand.make()
    let style = TextStyle.standardOutput
    Terminal.write(
      """
      The key, for the agent; it is shown only now:

          \(style.bold(key.text))

      The line for sluice.yaml, under identity: service_accounts:

          \(KeyCommand.account(name: name, groups: groups.isEmpty ? ["analysts"] : groups, key))
      """)
  }

  static func make() throws(CommandFailure) -> APIKey {
    do {
      return try APIKey.generate()
    } catch {
      throw CommandFailure("No key: \(error)")
    }
  }

  /// A service account as one line of YAML.
  static func account(name: String, groups: [String], _ key: APIKey) -> String {
    let list = groups.map(JSONText.quoted).joined(separator: ", ")
    return
      "- { name: \(JSONText.quoted(name)), key_sha256: \"\(key.sha256)\", groups: [\(list)] }"
  }
}
