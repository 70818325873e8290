import ArgumentParser
import ExampleServer
import Foundation

/// `sluice demo`
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Take a tour: a real database, an agent, and Sluice between them.",
    discussion: """
      Starts a small MCP server over a shop's database and the gateway in front of it, makes four calls as an agent \
      would, lets you decide about one of them, shows what came of them and the record of it all, and stays up for you \
      to try more. Nothing leaves this machine.

      EXAMPLES:
        sluice demo
        sluice demo --once           the tour only; status 0 if every outcome was right
        sluice demo --port 9090
      """)

  @Flag(help: "End after the tour, with status 1 if any outcome was wrong.")
  var once = false

  @Option(help: "Port of the gateway; another free one is taken if it is in use. (default: 8080)")
  var port: Int?

  @Option(
    help:
      "Folder for configuration, key and recordings. (default: sluice-demo, with --once a temporary one)",
    completion: .directory)
  var folder: String?

  @Flag(help: "Start over with a new configuration, if the folder has one.")
  var fresh = false

  @OptionGroup(title: "Logging") var log: LogOptions

  func validate() throws {
    if let port, !(0...65_535).contains(port) {
      throw ValidationError("--port must be from 0 to 65535, not \(port).")
    }
  }

  func run() async throws {
    // Log lines between the lines of the tour would spoil it.
    (log.logFormat ?? .text).bootstrap(level: log.logLevel ?? .warning)
    let signals = try ProcessSignals()
    let demo = try await start()
    let outcome = await takeTour(demo)
    if once {
      try await demo.stop()
      return try outcome.get()
    }
    if case .failure(let failure) = outcome {
      Terminal.writeError(failure.message)
    }
    DemoEnding(
      style: .standardOutput, port: demo.gatewayPort, consoleURL: demo.consoleURL,
      folder: demo.folder
    ).print()
    ProgramMemory.releaseStartUpPages()
    _ = await signals.stop()
    try await demo.stop()
    Terminal.write("\nGoodbye.")
  }

  private func start() async throws(CommandFailure) -> Demo {
    do {
      let place = try DemoFolder(path: folder ?? (once ? nil : "sluice-demo"))
      do {
        return place.isUsed && !fresh
          ? try await Demo.resume(folder: place, port: port)
          : try await Demo.start(folder: place, port: port ?? (once ? 0 : 8080))
      } catch {
        place.close()
        throw error
      }
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure("The demo did not start: \(error)")
    }
  }

  private func takeTour(_ demo: Demo) async -> Result<Void, CommandFailure> {
    do {
      guard try await demo.tour(asksPerson: !once && TerminalQuestion.isPossible) else {
        return .failure(CommandFailure("Not every outcome of the tour was as it should be."))
      }
      return .success(())
    } catch {
      return .failure(CommandFailure("The tour broke off: \(error)"))
    }
  }
}
