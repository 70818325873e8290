import ArgumentParser

/// `sluice version`
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Print the version of Sluice.")

  func run() {
    Terminal.write("sluice \(SluiceVersion.text)")
  }
}
