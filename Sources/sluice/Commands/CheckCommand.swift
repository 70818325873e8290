import ArgumentParser
import SluiceConfiguration

/// `sluice check FILE`
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check a configuration and show what it means.",
    discussion: """
      Checks everything that 'sluice serve' would, except that secrets referred to need not be there. Prints the \
      gateway's shape and exits with status 0, or every mistake with its place and the way out, and status 2.

      EXAMPLES:
        sluice check
        sluice check gateway/sluice.yaml
        sluice check --schema > sluice.schema.json
      """)

  @Argument(help: "The configuration.", completion: .file(extensions: ["yaml"]))
  var file = "sluice.yaml"

  @Flag(help: "Print the JSON Schema of configurations instead, for your editor.")
  var schema = false

  func run() throws {
    if schema {
      Terminal.write(ConfigurationLoader.schema)
      return
    }
    do {
      Terminal.write(try ConfigurationLoader.check(path: file).description)
    } catch {
      throw CommandFailure(error)
    }
  }
}
