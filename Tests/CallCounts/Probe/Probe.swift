import Audit
import EventLoop
import Foundation
import Identity
import Policy
import Proxy
import Wire

/// Carries N calls through one worker on the simulated network, with authentication, rules, five masked fields and
/// recording on: run twice under callgrind with different N, the difference is what a call costs.
///
///     data-path-probe N [FOLDER FOR THE RECORD]
@main
enum Probe {
  static let connections = 16

  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 2, let rounds = Int(arguments[1]) else {
      print("usage: data-path-probe CALLS [FOLDER]")
      exit(2)
    }
    let audit =
      arguments.count > 2
      ? try AuditLog(settings: AuditSettings(directory: arguments[2]), workers: 1) : nil
    let network = SimulatedNetwork(seed: 1)
    network.weather.turnNanosecondsMax = 1000
    var settings = GatewaySettings()
    settings.connectionsMax = 64
    settings.listeners = [try SocketAddress(host: "127.0.0.1", port: 80)]
    var worker = try SimulatedWorker(
      network: network, settings: settings, snapshot: try snapshot(), audit: audit)
    try carry(rounds, network, &worker)
    _ = audit?.close()
  }

  static func carry(
    _ calls: Int, _ network: SimulatedNetwork, _ worker: inout SimulatedWorker
  ) throws {
    let request = unsafe bytes(of: requestText)
    let answer = unsafe bytes(of: answerText)
    let clients = UnsafeMutableBufferPointer<SimulatedNetwork.Peer>.allocate(capacity: connections)
    let servers = UnsafeMutableBufferPointer<SimulatedNetwork.Peer>.allocate(capacity: connections)
    for index in 0..<connections {
      unsafe clients.initializeElement(at: index, to: network.connect(toPort: 80))
    }
    var serverCount = 0
    var done = 0
    var idleTurns = 0
    for index in 0..<connections { unsafe network.send(request, from: clients[index]) }
    while done < calls {
      let before = done
      worker.turn()
      if serverCount < connections {
        while let opened = network.takeOpened() {
          unsafe servers.initializeElement(at: serverCount, to: opened.peer)
          serverCount += 1
        }
      }
      for index in 0..<serverCount {
        if unsafe network.discardReceived(by: servers[index]) > 0 {
          unsafe network.send(answer, from: servers[index])
        }
      }
      for index in 0..<connections {
        if unsafe network.discardReceived(by: clients[index]) > 0 {
          done += 1
          unsafe network.send(request, from: clients[index])
        }
      }
      if done == before {
        // Nothing moved, most likely because the audit ring is full: let its writer have the processor.
        idleTurns += 1
        if idleTurns > 16 { usleep(1000) }
      } else {
        idleTurns = 0
      }
    }
    print("\(done) calls")
  }

  static func bytes(of text: String) -> UnsafeRawBufferPointer {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 16)
    unsafe copy.copyBytes(from: text.utf8)
    return UnsafeRawBufferPointer(copy)
  }

  static var requestText: String {
    let body =
      #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"query","arguments":"#
      + #"{"sql":"SELECT * FROM customers WHERE city = 'Ulm'","limit":25},"_meta":"#
      + #"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#
      + #""io.modelcontextprotocol/clientCapabilities":{},"#
      + #""io.modelcontextprotocol/clientInfo":{"name":"probe","version":"1"}}}}"#
    return "POST /shop/mcp HTTP/1.1\r\nHost: localhost:8080\r\nAccept: application/json, "
      + "text/event-stream\r\nContent-Type: application/json\r\nAuthorization: Bearer key\r\n"
      + "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: query\r\n"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  static var answerText: String {
    var rows: [String] = []
    for number in 0..<24 {
      rows.append(
        #"{"id":\#(number),"name":"Ann Example","email":"ann\#(number)@example.com","#
          + #""ssn":"123-45-67\#(number)","phone":"+49 731 123","card":"4111 1111 1111 1111","#
          + #""city":"Ulm","orders":3}"#)
    }
    let body =
      #"{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","content":[],"#
      + #""structuredContent":{"rows":[\#(rows.joined(separator: ","))]}}}"#
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  static func snapshot() throws -> GatewaySnapshot {
    let policy = try PolicyProgram(
      definition: PolicyDefinition(
        servers: [ServerDefinition(name: "shop")],
        principals: [
          PrincipalDefinition(name: "ada", kind: .serviceAccount, groups: ["analysts"])
        ],
        profiles: [
          ProfileDefinition(
            name: "analyst", groups: ["analysts"],
            allow: [GrantDefinition(server: "shop", tools: ["query", "list_*"])])
        ],
        rules: [
          RuleDefinition(
            name: "no-drop",
            match: MatchDefinition(
              tools: ["query"],
              arguments: [
                ArgumentDefinition(
                  path: "sql", conditions: [ConditionDefinition(.regex("(?i)\\bdrop\\b"))])
              ]),
            effect: .block),
          RuleDefinition(
            name: "pii", match: MatchDefinition(servers: ["shop"]), effect: .mask,
            masks: [
              MaskDefinition(
                fields: ["name", "email", "ssn", "phone", "card"], treatment: .redact)
            ]),
        ]))
    let identity = try IdentitySnapshot(
      accounts: [
        ServiceAccount(
          name: "ada", keyDigest: APIKey.sha256(of: Array("key".utf8)), groups: ["analysts"])
      ], anonymous: nil)
    return GatewaySnapshot(
      policy: policy, identity: identity,
      servers: [
        UpstreamServer(
          name: "shop", path: "/shop/mcp",
          address: try SocketAddress(host: "127.0.0.1", port: 9000),
          host: "127.0.0.1:9000", target: "/mcp")
      ])
  }
}
