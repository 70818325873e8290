import ArgumentParser
import SluiceConfiguration

/// `sluice resolved FILE`
struct ResolvedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resolved",
    abstract: "Print a configuration with every default written out.",
    discussion: """
      Prints what 'sluice serve' would run with, as YAML that it reads the same way: what the file leaves out is there at \
      its default, and flags take the place of what it says. Secrets stay the references they are.

      EXAMPLES:
        sluice resolved
        sluice resolved gateway/sluice.yaml
        sluice resolved --workers 4 | diff - <(sluice resolved)
      """)

  @Argument(help: "The configuration.", completion: .file(extensions: ["yaml"]))
  var file = "sluice.yaml"

  @OptionGroup(title: "Tuning") var tuning: TuningOptions
  @OptionGroup(title: "Logging") var log: LogOptions

  func run() throws {
    do {
      let text = try ConfigurationLoader.resolved(
        path: file, overrides: tuning.overrides + log.overrides)
      Terminal.write(String(text.dropLast()))
    } catch {
      throw CommandFailure(error)
    }
  }
}
