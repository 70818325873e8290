import Console
import ControlPlane
import ExampleServer
import Logging
import Recorder
import SluiceConfiguration

/// The demo while it runs: the example server and the gateway in front of it, in this process.
struct Demo: Sendable {
  let folder: DemoFolder
  let gatewayPort: Int
  let consolePort: Int

  private let server: ExampleServer
  private let serverPort: Int
  private let gateway: GatewayService
  private let keys: DemoFolder.Keys

  /// Starts both with a new configuration.
  /// - Parameter port: the port of the gateway, if it is free; 0 for any.
  static func start(
    folder: DemoFolder, port: Int, overrides: [ConfigurationOverride] = []
  ) async throws -> Demo {
    let server = try ExampleServer()
    let serverPort = try await server.start()
    guard let gatewayPort = TourClient.freePort(preferred: port),
      let consolePort = TourClient.freePort(preferred: port == 0 ? 0 : port + 1)
    else {
      throw CommandFailure("There is no free port for the gateway and its console.")
    }
    let keys = try folder.write(
      gatewayPort: gatewayPort, serverPort: serverPort, consolePort: consolePort)
    let loaded = try GatewayService.load(folder.configurationFile, overrides: overrides)
    return Demo(
      folder: folder, gatewayPort: gatewayPort, consolePort: consolePort, server: server,
      serverPort: serverPort,
      gateway: try await GatewayService.launch(loaded, logger: Logger(label: "sluice")), keys: keys)
  }

  /// Starts both with an earlier demo's configuration, perhaps edited since.
  /// - Parameter port: the port of the gateway; nil for what the configuration says.
  static func resume(folder: DemoFolder, port: Int?) async throws -> Demo {
    Terminal.write(
      "Using your configuration \(folder.configurationFile) (--fresh starts over).")
    let loaded = try GatewayService.load(
      folder.configurationFile,
      overrides: port.map { [.listen(["127.0.0.1:\($0)"])] } ?? [])
    let configuration = loaded.configuration
    let name = DemoConfiguration.serverName
    guard let listener = configuration.listeners.first, let console = configuration.console,
      let shop = configuration.servers.first(where: { $0.name == name })
    else {
      throw CommandFailure(
        "\(folder.configurationFile) lacks the console or the server '\(name)', which the demo needs; --fresh starts over.",
        status: .usage)
    }
    let server = try ExampleServer()
    do {
      _ = try await server.start(port: Int(shop.url.port))
    } catch {
      throw CommandFailure(
        "The example server cannot listen on port \(shop.url.port) (\(error)); --fresh takes another."
      )
    }
    return Demo(
      folder: folder, gatewayPort: Int(listener.address.port),
      consolePort: Int(console.address.port), server: server,
      serverPort: Int(shop.url.port),
      gateway: try await GatewayService.launch(loaded, logger: Logger(label: "sluice")),
      keys: try folder.readKeys())
  }

  var consoleURL: String { "http://127.0.0.1:\(consolePort)" }

  /// Takes the tour. True when every outcome was as it should be.
  /// - Parameter asksPerson: whether the approval is left to whoever sits at the terminal.
  func tour(asksPerson: Bool) async throws -> Bool {
    let style = TextStyle.standardOutput
    Terminal.write(
      """

      \(style.bold("A short tour of Sluice"))

         A shop's database with 40 customers and 200 orders stands behind an MCP server.
         An agent may ask it anything, but only through Sluice:

           agent ──▶ \(style.bold("Sluice")) 127.0.0.1:\(gatewayPort) ──▶ MCP server 127.0.0.1:\(serverPort) ──▶ SQLite
                       │
           console, for people: \(style.blue(consoleURL))

         Configuration and record are in \(style.blue(folder.path))
      """)
    return try await Tour(
      narrator: Narrator(style: style),
      agent: TourClient(port: gatewayPort, path: DemoConfiguration.path, key: keys.agent),
      database: server.database,
      record: AuditCommands(directory: folder.recordings),
      reviewer: TourReviewer(
        client: try AdminClient(url: consoleURL, token: keys.reviewer), consoleURL: consoleURL,
        asksPerson: asksPerson)
    ).run()
  }

  func stop() async throws(CommandFailure) {
    var failure: CommandFailure?
    do {
      try await gateway.end()
    } catch {
      failure = error
    }
    await server.stop()
    folder.close()
    if let failure { throw failure }
  }
}
