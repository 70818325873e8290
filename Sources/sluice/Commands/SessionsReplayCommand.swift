import ArgumentParser
import ControlPlane
import Foundation
import Recorder
import SluiceConfiguration

/// `sluice sessions replay ID --to URL`
struct SessionsReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Send a session's requests to a test server and compare its answers.",
    discussion: """
      Requests are sent in their order, straight to the server: no policy, no masks. Sent is what reached the server then; \
      calls of tools may change something and are sent with --yes only. Answers are compared as JSON, text that is JSON \
      included; values that the record holds masked are counted and not compared. Never replay to a server whose data \
      matters: one that the configuration names is refused without --live.

      Exits with status 1 when an answer differs or fails to come.

      EXAMPLES:
        sluice sessions replay 02fxdf8040c00 --to http://127.0.0.1:9000/mcp --dry-run
        sluice sessions replay 02fxdf8040c00 --to http://127.0.0.1:9000/mcp --yes --header 'Authorization: env:TOKEN'
      """)

  @OptionGroup var options: SessionOptions

  @Argument(help: "A session of 'sluice sessions list', or the Ref of any of its calls.")
  var id: String

  @Option(help: ArgumentHelp("The MCP endpoint of the test server.", valueName: "url"))
  var to: String

  @Option(
    help: ArgumentHelp(
      "A header field for every request; a value env:NAME is read from the environment, where other users do not see it. May be repeated.",
      valueName: "name: value"))
  var header: [String] = []

  @Flag(help: "Send calls of tools as well.")
  var yes = false

  @Flag(help: "Send to a server of the configuration, and not to a test server, knowingly.")
  var live = false

  @Flag(help: "Only say what would be sent.")
  var dryRun = false

  func validate() throws {
    let lower = to.lowercased()
    guard lower.hasPrefix("http://") || lower.hasPrefix("https://") else {
      throw ValidationError("--to must be an address such as http://127.0.0.1:9000/mcp.")
    }
    for line in header where Self.field(line) == nil {
      throw ValidationError("--header must be 'Name: value', not '\(line.prefix(40))'.")
    }
  }

  private static func field(_ line: String) -> (name: String, value: String)? {
    guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return nil }
    let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    return (String(line[..<colon]), value)
  }

  /// A server that agents use is no place to try things out.
  private func refuseLiveServers() throws {
    guard !live, !dryRun, FileManager.default.fileExists(atPath: options.record.config) else {
      return
    }
    let servers = try GatewayService.outline(options.record.config, .servers).servers
    guard let server = servers.first(where: { !$0.isCommand && $0.url.isSamePlace(as: to) }) else {
      return
    }
    throw CommandFailure(
      "\(to) is the server \"\(server.name)\" of \(options.record.config), and no test server. Add --live if you mean it.",
      status: .usage)
  }

  func run() throws {
    try refuseLiveServers()
    var replay = Replay(url: to)
    replay.sendsToolCalls = yes
    replay.isDry = dryRun
    for line in header {
      guard var field = Self.field(line) else { continue }
      if field.value.hasPrefix("env:") {
        let name = String(field.value.dropFirst(4))
        guard let value = ProcessInfo.processInfo.environment[name] else {
          throw CommandFailure("The environment variable \(name) is not set.", status: .usage)
        }
        field.value = value
      }
      replay.fields.append(field)
    }
    let catalog = try options.catalog()
    var summary = Replay.Summary()
    try SessionOptions.run {
      summary = try replay.run(id, in: catalog) { call, result in
        for line in ReplayReport.lines(call, result) { Terminal.write(line) }
      }
    }
    Terminal.write(ReplayReport.text(of: summary))
    if !summary.isSame { throw ExitCode(CommandFailure.Status.failure.rawValue) }
  }
}
