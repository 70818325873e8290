import ArgumentParser
import ControlPlane
import Foundation
import Recorder
import SluiceConfiguration

/// Which record to read.
struct RecordOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: "The folder of the record. (default: as the configuration says)", completion: .directory)
  var directory: String?

  @Option(
    name: [.short, .long], help: "The configuration that names the folder.",
    completion: .file(extensions: ["yaml"]))
  var config = "sluice.yaml"

  func commands() throws(CommandFailure) -> AuditCommands {
    if let directory { return AuditCommands(directory: directory) }
    guard FileManager.default.fileExists(atPath: config) else {
      throw CommandFailure(
        "There is no \(config) here; name the record's folder with --directory, or the file with --config.",
        status: .usage)
    }
    return AuditCommands(
      directory: try GatewayService.outline(config, .audit).audit.directory)
  }
}
