import ArgumentParser
import Foundation
import Identity
import SluiceConfiguration

/// `sluice init`
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Write a commented starter configuration.",
    discussion: """
      Writes sluice.yaml with every section explained, and prints an API key made for its first service account.

      EXAMPLES:
        sluice init
        sluice init gateway/sluice.yaml
      """)

  @Argument(help: "The file to write.", completion: .file(extensions: ["yaml"]))
  var file = "sluice.yaml"

  @Flag(help: "Replace the file if it is there.")
  var force = false

  func run() throws {
    let key = try KeyCommand.make()
    let text = StarterConfiguration.text(keySHA256: key.sha256)
    do {
      try Data(text.utf8).write(
        to: URL(fileURLWithPath: file), options: force ? [.atomic] : [.withoutOverwriting])
    } catch CocoaError.fileWriteFileExists {
      throw CommandFailure("\(file) is there already; --force replaces it.", status: .usage)
    } catch {
      throw CommandFailure("\(file) could not be written: \(error.localizedDescription)")
    }
    let style = TextStyle.standardOutput
    Terminal.write(
      """
      Wrote \(file).

      The API key of its service account my-agent; it is shown only now:

          \(style.bold(key.text))

      Next: put your server's address into \(file), then

          sluice check \(file)
          sluice serve --config \(file)
      """)
  }
}
