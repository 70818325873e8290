import ArgumentParser
import ControlPlane
import Recorder
import SluiceConfiguration

/// `sluice sinks …`
struct SinksCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sinks",
    abstract: "Where audit events go, and how far they got.",
    subcommands: [SinksStatusCommand.self])
}

/// `sluice sinks status`
struct SinksStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show how far each sink's receiver has taken the record.",
    discussion: """
      Reads the cursors beside the record, so it works whether the gateway runs or not. LAST is the number of the last \
      event that was taken, BEHIND how much of the record is not delivered yet.
      """)

  @Option(
    name: [.short, .long], help: "The configuration that names the sinks.",
    completion: .file(extensions: ["yaml"]))
  var config = "sluice.yaml"

  func run() throws {
    let configuration = try GatewayService.outline(config, .sinks, .audit)
    let settings = configuration.sinks.map(SinkSettings.init)
    guard !settings.isEmpty else {
      Terminal.write("no sinks are configured")
      return
    }
    let statuses = Sinks.statuses(of: settings, in: configuration.audit.directory)
    let width = max(4, statuses.map(\.name.count).max() ?? 0)
    func line(_ name: String, _ last: String, _ behind: String, _ target: String) -> String {
      [name.padded(to: width), last.padded(to: 12), behind.padded(to: 16), target]
        .joined(separator: "  ")
    }
    Terminal.write(TextStyle.standardOutput.bold(line("SINK", "LAST", "BEHIND", "RECEIVER")))
    for status in statuses {
      let behind =
        status.lastError ?? (status.lagBytes == 0 ? "level" : "\(status.lagBytes) bytes")
      Terminal.write(
        line(
          status.name, status.lastSequence.map { "\($0)" } ?? "-",
          status.state == .starting ? "not begun" : behind, status.target))
    }
  }
}
