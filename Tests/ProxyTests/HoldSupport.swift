import EventLoop
import Foundation
import Policy

@testable import Proxy

/// A gateway whose rule `ask` holds every `delete_row`, and the other end of its mailbox.
final class HoldingGateway {
  let gateway: SimulatedGateway
  let calls: HeldCalls
  /// Everything the worker has told.
  private(set) var told: [HeldMessage] = []

  static let rules =
    [
      RuleDefinition(
        name: "ask", match: MatchDefinition(servers: ["shop"], tools: ["delete_row"]),
        effect: .requireApproval, message: "Say \"why\".",
        approval: ApprovalDefinition(
          reviewers: ["dba", "ops"], quorum: 2, expiresMilliseconds: 60_000, message: "Backup?"))
    ] + SimulatedGateway.rules

  init(
    seed: UInt64 = 1, weather: SimulatedNetwork.Weather = .init(), limits: GatewayLimits = .init()
  ) throws {
    calls = try HeldCalls(workers: 1)
    gateway = try SimulatedGateway(
      seed: seed, weather: weather, limits: limits, rules: Self.rules, heldCalls: calls)
  }

  var network: SimulatedNetwork { gateway.network }

  /// What the worker has told since the last time.
  func takeMessages() -> [HeldMessage] {
    var messages: [HeldMessage] = []
    while let message = calls.next() { messages.append(message) }
    told += messages
    return messages
  }

  func takeHeld() -> [HeldCall] {
    takeMessages().compactMap { message in
      if case .held(let call) = message { call } else { nil }
    }
  }

  /// Sends a request on a connection of its own and lets the worker take it.
  func send(_ request: String) -> SimulatedNetwork.Peer {
    let client = network.connect(toPort: SimulatedGateway.audience)
    network.send(request, from: client)
    gateway.run(turns: 20)
    return client
  }

  func receive(_ client: SimulatedNetwork.Peer, turns: Int = 40) -> String {
    gateway.run(turns: turns)
    return String(decoding: network.takeReceived(by: client), as: UTF8.self)
  }

  /// Lets time pass, in steps that no timer misses.
  func advance(seconds: Int) {
    for _ in 0..<seconds {
      network.advance(nanoseconds: 1_000_000_000)
      gateway.run(turns: 4)
    }
  }

  /// The fields of requests in a new session of ada's with the shop.
  func openSession() throws -> String {
    let before = gateway.server
    defer { gateway.server = before }
    gateway.server = { request in
      [
        .send(
          SimulatedGateway.json(
            "{\"jsonrpc\":\"2.0\",\"id\":\(request.id),\"result\":"
              + "{\"protocolVersion\":\"2025-11-25\"}}", more: "Mcp-Session-Id: s1\r\n"))
      ]
    }
    let answer = gateway.exchange(
      SimulatedGateway.post(
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":"
          + "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
          + "\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}"))
    let session = answer.firstMatch(of: /Mcp-Session-Id: (\S+)/).map { String($0.1) }
    guard let session else { throw NoSession() }
    return "Mcp-Session-Id: \(session)\r\nMCP-Protocol-Version: 2025-11-25\r\n"
  }

  struct NoSession: Error {}

  func grant(_ call: HeldCall, digest: CallDigest? = nil) {
    calls.answer(
      call.ticket,
      .granted(
        approval: "apr_1", digest: digest ?? call.digest, reviewers: ["ada", "bob"], reason: "ok"))
  }

  // MARK: Requests

  static func legacy(_ arguments: String = #"{"id":7}"#, id: String = "1", more: String = "")
    -> String
  {
    SimulatedGateway.post(SimulatedGateway.call("delete_row", arguments, id: id), more: more)
  }

  /// `notifications/cancelled` for a request.
  static func cancellation(_ id: String, more: String = "") -> String {
    SimulatedGateway.post(
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\(id)}}",
      more: more)
  }

  static func modernBody(
    _ arguments: String = #"{"id":7}"#, tool: String = "delete_row", id: String = "1",
    params: String = ""
  ) -> String {
    "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"tools/call\",\"params\":{\"name\":\"\(tool)\","
      + "\"arguments\":\(arguments)\(params),\"_meta\":{\"progressToken\":\(id),"
      + "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
      + "\"io.modelcontextprotocol/clientCapabilities\":{}}}}"
  }

  static func modern(_ body: String, tool: String = "delete_row", key: String = "key-ada")
    -> String
  {
    SimulatedGateway.post(body, key: key, more: SimulatedGateway.modernFields(tool))
  }

  /// The gateway's state in an answer.
  static func state(in answer: String) -> String? {
    answer.firstMatch(of: /"requestState":"(slu1\.[A-Za-z0-9_-]+)"/).map { String($0.1) }
  }
}
