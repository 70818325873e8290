import ArgumentParser
import Console
import ControlPlane
import Foundation
import SluiceConfiguration

/// Which console to talk to, and as whom. The key is never on the command line, where everybody on the machine can see it.
struct AdminOptions: ParsableArguments {
  @Option(
    help:
      "Where the console is, such as https://console.example. (default: $SLUICE_URL, else as the configuration says)"
  )
  var url: String?

  @Option(
    name: [.short, .long], help: "The configuration that says where the console is.",
    completion: .file(extensions: ["yaml"]))
  var config = "sluice.yaml"

  @Option(
    help: "A file that holds the API key. (default: the key is in $SLUICE_TOKEN)",
    completion: .file())
  var tokenFile: String?

  @Option(
    help: "A PEM file of certificate authorities in place of the system's.", completion: .file())
  var authorities: String?

  func client() throws(CommandFailure) -> AdminClient {
    do {
      return try AdminClient(
        url: try address(), token: try token(), authorities: try AuthoritiesFile.read(authorities))
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure("\(error)", status: .usage)
    }
  }

  private func address() throws(CommandFailure) -> String {
    let environment = ProcessInfo.processInfo.environment
    if let url = url ?? environment["SLUICE_URL"], !url.isEmpty { return url }
    guard FileManager.default.fileExists(atPath: config) else {
      throw CommandFailure(
        "There is no \(config) here; say where the console is with --url or SLUICE_URL, or name the file with --config.",
        status: .usage)
    }
    guard let console = try GatewayService.outline(config, .console).console else {
      throw CommandFailure(
        "\(config) has no console to ask; write console: { login: { local_admin: {} } }, or say where one is with --url.",
        status: .usage)
    }
    return console.publicURL ?? "\(console.tls == nil ? "http" : "https")://\(console.address)"
  }

  private func token() throws(CommandFailure) -> String {
    var text = ProcessInfo.processInfo.environment["SLUICE_TOKEN"] ?? ""
    if let tokenFile {
      guard let data = FileManager.default.contents(atPath: tokenFile), data.count <= 4096 else {
        throw CommandFailure("\(tokenFile) cannot be read, or is no key.", status: .usage)
      }
      text = String(decoding: data, as: UTF8.self)
    }
    text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw CommandFailure(
        "Which key? Put it into SLUICE_TOKEN, or name a file that holds it with --token-file.",
        status: .usage)
    }
    return text
  }
}
