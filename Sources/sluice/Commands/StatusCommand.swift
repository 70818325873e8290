import ArgumentParser
import ControlPlane
import Foundation
import Outbound
import SluiceConfiguration
import Status

/// `sluice status`
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show what a running gateway is doing.",
    discussion: """
      Asks the gateway at the admin.address of the configuration, or at --url. Exits with status 0 when it is ready for \
      calls, and 1 when it is not or does not answer.

      EXAMPLES:
        sluice status
        sluice status --watch
        sluice status --url http://10.0.0.5:9901 --json
      """)

  @Option(
    name: [.short, .long], help: "The configuration of the gateway.",
    completion: .file(extensions: ["yaml"]))
  var config = "sluice.yaml"

  @Option(help: "Where the gateway answers instead, as in http://127.0.0.1:9901.")
  var url: String?

  @Flag(name: [.short, .long], help: "Show it again every second, until Ctrl-C.")
  var watch = false

  @Flag(help: "Print it as JSON.")
  var json = false

  func run() async throws {
    let base = try url ?? Self.address(config)
    let style = TextStyle.standardOutput
    while true {
      let (status, body) = try await Self.fetch(base)
      if json {
        Terminal.write(body)
      } else {
        if watch, style.isColoured { Terminal.write("\u{1B}[H\u{1B}[2J") }
        Terminal.write(StatusPage(status, style: style).text)
      }
      guard watch else {
        if !status.isReady { throw ExitCode(CommandFailure.Status.failure.rawValue) }
        return
      }
      try await Task.sleep(for: .seconds(1))
    }
  }

  private static func address(_ config: String) throws(CommandFailure) -> String {
    guard let admin = try GatewayService.outline(config, .admin).admin else {
      throw CommandFailure(
        "\(config) says nowhere to ask: write admin: { address: 127.0.0.1:9901 } and restart the gateway, or use --url.",
        status: .usage)
    }
    return "http://\(admin.address)"
  }

  private static func fetch(_ base: String) async throws -> (GatewayStatus, String) {
    var request = OutboundRequest(
      url: (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/status.json")
    request.connectMilliseconds = 3_000
    request.totalMilliseconds = 5_000
    request.answerBytesMax = 64 << 20
    let answer: OutboundAnswer
    do {
      answer = try await request.exchange()
    } catch {
      throw CommandFailure("No gateway answers at \(base): \(error)")
    }
    guard answer.status == 200, let status = try? GatewayStatus.read(Data(answer.body)) else {
      throw CommandFailure("What answers at \(base) is no gateway (HTTP \(answer.status)).")
    }
    return (status, String(decoding: answer.body, as: UTF8.self))
  }
}
