import ArgumentParser
import Foundation

/// `sluice connect SERVER`
struct ConnectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "connect",
    abstract: "Give an agent that speaks only standard input and output a way through the gateway.",
    discussion: """
      For agents that start their servers as programs: this is such a program. What it reads on standard input goes \
      to the server behind the gateway, and what comes back is written to standard output, one JSON-RPC message per \
      line. The key or token is taken from the environment variable SLUICE_TOKEN.

      EXAMPLES:
        SLUICE_TOKEN=sluice_… sluice connect orders
        SLUICE_TOKEN=sluice_… sluice connect orders --url https://mcp.example
      """)

  @Argument(help: "The server's name in the gateway's configuration.")
  var server: String

  @Option(
    help: "Where the gateway is; with a path, exactly where the server is.",
    transform: { text in
      guard let url = URL(string: text), ["http", "https"].contains(url.scheme?.lowercased()),
        url.host() != nil, url.query() == nil
      else { throw ValidationError("'\(text)' is no address such as http://127.0.0.1:8080.") }
      return text
    })
  var url = "http://127.0.0.1:8080"

  @Option(
    help: ArgumentHelp("Certificate authorities in place of the system's.", valueName: "pem"),
    completion: .file())
  var authorities: String?

  var endpoint: String {
    let path = URL(string: url)?.path() ?? ""
    guard path.isEmpty || path == "/" else { return url }
    return "\(url.hasSuffix("/") ? String(url.dropLast()) : url)/\(server)/mcp"
  }

  func run() async throws {
    let token = ProcessInfo.processInfo.environment["SLUICE_TOKEN"]
    let connection = GatewayConnection(
      endpoint: endpoint, token: token?.isEmpty == true ? nil : token,
      authorities: try AuthoritiesFile.read(authorities)
    ) { line in Terminal.write(line) }
    for await line in InputLines.read() { await connection.take(line) }
    await connection.end()
  }
}
