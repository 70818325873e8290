import Audit
import EventLoop
import Foundation
import Identity
import Policy
import Wire

@testable import Proxy

/// One worker on a simulated network, with a small policy: what most tests of the data path play on.
///
/// Servers `shop` (path /shop/mcp, port 9000) and `vault` (path /vault/mcp, port 9001, credential); service accounts `ada`
/// (key `key-ada`, group analysts, may call query, list_* and delete_row on shop) and `bob` (key `key-bob`, no group
/// that any profile has for shop) and `eve` (key `key-eve`, like ada). The shop may ask agents' users (elicitation) and knows
/// `com.example/jobs.*`; agents of the vault get its own ids of events. With `hasDoor` the shop speaks only the modern era, and
/// its door for the legacy one is at port 9002.
/// Rules: `no-drop` blocks query when sql matches DROP; `pii` masks email and ssn.
final class SimulatedGateway {
  let network: SimulatedNetwork
  var worker: Worker
  let control = WorkerControl()
  /// Called for every whole request that reaches a server.
  var server: (ServerRequest) -> [ServerStep] = { SimulatedGateway.echo($0) }
  private var serverInputs: [SimulatedNetwork.Peer: [UInt8]] = [:]
  private(set) var requestsAtServers: [ServerRequest] = []
  /// The servers' ends of all connections, in the order they were opened.
  private(set) var serverPeers: [SimulatedNetwork.Peer] = []
  /// The servers' certificates, where they speak TLS.
  private let serverContext: TLSContext?
  let peers: TLSPeers
  /// Connections whose server reads nothing any more.
  var isDeaf: Set<SimulatedNetwork.Peer> = []
  private var delayed: [(turn: Int, peer: SimulatedNetwork.Peer, step: ServerStep)] = []
  private var turns = 0
  static let audience: UInt16 = 8080

  struct ServerRequest {
    var port: UInt16
    var head: String
    var body: String
    /// The server's end of the connection that it came on.
    var peer: SimulatedNetwork.Peer

    /// The literal of the JSON-RPC id.
    var id: String {
      guard let range = body.range(of: "\"id\":") else { return "null" }
      return String(body[range.upperBound...].prefix { $0 != "," && $0 != "}" })
    }

    /// The value of a field of the head.
    func field(_ name: String) -> String? {
      head.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }
        .map { String($0.dropFirst(name.count + 2)) }
    }
  }

  enum ServerStep {
    case send(String)
    case end
    /// Over TLS: the connection ends without the word that it does.
    case cutOff
    case reset
    /// Let this many turns pass before the next step.
    case wait(Int)
  }

  init(
    seed: UInt64 = 1, weather: SimulatedNetwork.Weather = .init(), limits: GatewayLimits = .init(),
    audit: AuditLog? = nil, rules: [RuleDefinition] = SimulatedGateway.rules,
    tls: TLS = TLS(), providers: [IdentityProvider] = [], heldCalls: HeldCalls? = nil,
    hasDoor: Bool = false
  ) throws {
    network = SimulatedNetwork(seed: seed, weather: weather, capacity: 16384)
    peers = TLSPeers(network)
    serverContext = tls.server
    var settings = GatewaySettings()
    settings.limits = limits
    settings.connectionsMax = 1024
    settings.bufferBytes = 4096
    settings.bufferPoolBytes = 64 << 10
    if tls.listener != nil { settings.tlsListeners = [0] }
    let loop = EventLoop(simulating: network, settings: Gateway.loopSettings(settings))
    worker = Worker(
      loop: loop, settings: settings,
      snapshot: try SimulatedGateway.snapshot(
        rules, tls: tls, providers: providers, hasDoor: hasDoor),
      recording: Recording(audit?.producer(worker: 0, wakeDescriptor: -1)), control: control,
      sealer: SessionSealer(key: SessionSealer.makeKey()), heldCalls: heldCalls)
    _ = try worker.listen(
      on: [try SocketAddress(host: "127.0.0.1", port: SimulatedGateway.audience)], backlog: 1)
  }

  /// Where TLS is spoken, and with what.
  struct TLS {
    /// The gateway's, for agents.
    var listener: TLSContext? = nil
    /// The gateway's, for the server `shop`.
    var client: TLSContext? = nil
    /// The servers'.
    var server: TLSContext? = nil
  }

  static var rules: [RuleDefinition] {
    [
      RuleDefinition(
        name: "no-drop",
        match: MatchDefinition(
          servers: ["shop"], tools: ["query"],
          arguments: [
            ArgumentDefinition(
              path: "sql", conditions: [ConditionDefinition(.regex("(?i)\\bdrop\\b"))])
          ]),
        effect: .block, message: "Ask the \"owners\"."),
      RuleDefinition(
        name: "pii", match: MatchDefinition(servers: ["shop"]), effect: .mask,
        masks: [MaskDefinition(fields: ["email", "ssn"], treatment: .redact)]),
    ]
  }

  /// - Parameters:
  ///   - shop: the path of the shop's endpoint at its server, and the server's port.
  ///   - limits: as `GatewaySnapshot` takes them.
  ///   - providers: whose tokens are accepted.
  ///   - keySets: their keys; none are there when it is left out.
  ///   - counters: the shop's.
  ///   - grantsAll: whether analysts may use its resources and prompts too.
  ///   - hasDoor: whether what comes for the shop in the legacy era goes to a door.
  ///   - servesEventStreams: whether it has a door for agents of HTTP+SSE.
  static func snapshot(
    _ rules: [RuleDefinition], shop: (target: String, port: UInt16) = ("/mcp", 9000),
    limits: GatewayLimits? = nil, tls: TLS = TLS(), counters: ServerCounters = ServerCounters(),
    providers: [IdentityProvider] = [],
    keySets: [KeySet?] = [], access: [ListenerAccess] = [], grantsAll: Bool = false,
    hasDoor: Bool = false, servesEventStreams: Bool = false
  ) throws -> GatewaySnapshot {
    let accounts = [
      ServiceAccount(
        name: "ada", keyDigest: APIKey.sha256(of: Array("key-ada".utf8)), groups: ["analysts"]),
      ServiceAccount(
        name: "bob", keyDigest: APIKey.sha256(of: Array("key-bob".utf8)), groups: ["others"]),
      ServiceAccount(
        name: "eve", keyDigest: APIKey.sha256(of: Array("key-eve".utf8)), groups: ["analysts"]),
    ]
    let policy = try PolicyProgram(
      definition: PolicyDefinition(
        servers: [ServerDefinition(name: "shop"), ServerDefinition(name: "vault")],
        principals: [
          PrincipalDefinition(name: "ada", kind: .serviceAccount, groups: ["analysts"]),
          PrincipalDefinition(name: "bob", kind: .serviceAccount, groups: ["others"]),
          PrincipalDefinition(name: "eve", kind: .serviceAccount, groups: ["analysts"]),
        ],
        profiles: [
          ProfileDefinition(
            name: "analyst", groups: ["analysts"],
            allow: [
              GrantDefinition(
                server: "shop", tools: ["query", "list_*", "delete_row"],
                resources: grantsAll ? ["*"] : [], prompts: grantsAll ? ["*"] : [])
            ]),
          ProfileDefinition(
            name: "keeper", groups: ["others"],
            allow: [GrantDefinition(server: "vault", tools: ["*"])]),
        ],
        rules: rules, hasIdentityProvider: !providers.isEmpty))
    var identity = try IdentitySnapshot(
      accounts: accounts, anonymous: nil, providers: providers)
    if !keySets.isEmpty { identity = identity.with(keySets: keySets) }
    var shopServer = UpstreamServer(
      name: "shop", path: "/shop/mcp",
      address: try SocketAddress(host: "127.0.0.1", port: shop.port),
      host: "127.0.0.1:\(shop.port)", target: shop.target, tls: tls.client)
    shopServer.clientRequests = [.elicitation]
    shopServer.methods = ["com.example/jobs.*"]
    shopServer.counters = counters
    if hasDoor {
      shopServer.legacyDoor = LegacyDoor(
        address: try SocketAddress(host: "127.0.0.1", port: 9002), target: "/shop",
        credential: (field: "Authorization", value: Secret("Bearer door".utf8)))
    }
    if servesEventStreams {
      shopServer.eventStreamDoor = EventStreamDoor(
        path: "/shop/sse", address: try SocketAddress(host: "127.0.0.1", port: 9002),
        target: "/door/shop", credential: (field: "Authorization", value: Secret("inner".utf8)))
    }
    var vaultServer = UpstreamServer(
      name: "vault", path: "/vault/mcp",
      address: try SocketAddress(host: "127.0.0.1", port: 9001), host: "127.0.0.1:9001",
      target: "/mcp", credential: (field: "Authorization", value: Secret("Bearer up".utf8)))
    vaultServer.passesEventIDs = true
    return GatewaySnapshot(
      policy: policy, identity: identity, servers: [shopServer, vaultServer], limits: limits,
      listeners: [tls.listener], access: access,
      publicURL: ResourceIdentifier("http://gateway"))
  }

  // MARK: Servers

  /// A server that repeats the request's arguments in its answer, with a customer's data beside them.
  static func echo(_ request: ServerRequest) -> [ServerStep] {
    guard request.body.contains("\"id\":") else {
      return [.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")]
    }
    return [
      .send(
        json(
          "{\"jsonrpc\":\"2.0\",\"id\":\(request.id),\"result\":{\"content\":[],"
            + "\"structuredContent\":{\"email\":\"ann@example.com\",\"city\":\"Ulm\"}}}"))
    ]
  }

  // MARK: Running

  /// Lets the worker take one turn, and the servers answer what has reached them.
  func turn() {
    turns += 1
    _ = worker.turn()
    while let opened = network.takeOpened() {
      serverInputs[opened.peer] = []
      serverPeers.append(opened.peer)
      if let serverContext { peers.begin(serverContext, on: opened.peer) }
    }
    for peer in serverPeers where !isDeaf.contains(peer) {
      serverInputs[peer]! +=
        peers.contains(peer) ? peers.exchange(peer) : network.takeReceived(by: peer)
      while let request = takeRequest(peer) {
        requestsAtServers.append(request)
        var at = turns
        for step in server(request) {
          if case .wait(let count) = step {
            at += count
          } else {
            delayed.append((at, peer, step))
          }
        }
      }
    }
    let due = delayed.filter { $0.turn <= turns }
    delayed.removeAll { $0.turn <= turns }
    for item in due {
      switch item.step {
      case .send(let text) where peers.contains(item.peer): peers.send(text, from: item.peer)
      case .send(let text): network.send(text, from: item.peer)
      case .end where peers.contains(item.peer): peers.end(item.peer)
      case .end, .cutOff: network.end(item.peer)
      case .reset: network.reset(item.peer)
      case .wait: break
      }
    }
  }

  func run(turns count: Int) { for _ in 0..<count { turn() } }

  private func takeRequest(_ peer: SimulatedNetwork.Peer) -> ServerRequest? {
    let input = serverInputs[peer]!
    guard let end = input.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let head = String(decoding: input[..<end.upperBound], as: UTF8.self)
    var length = 0
    for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
      length = Int(line.split(separator: ":")[1].trimmingCharacters(in: .whitespaces))!
    }
    guard input.count >= end.upperBound + length else { return nil }
    let body = String(decoding: input[end.upperBound..<end.upperBound + length], as: UTF8.self)
    serverInputs[peer] = Array(input[(end.upperBound + length)...])
    let port: UInt16 =
      head.contains("127.0.0.1:9001") ? 9001 : head.contains("Host: localhost\r\n") ? 9002 : 9000
    return ServerRequest(port: port, head: head, body: body, peer: peer)
  }

  /// Sends one request on a fresh connection and returns everything that came back within `turns`.
  func exchange(_ request: String, turns count: Int = 200) -> String {
    let client = network.connect(toPort: SimulatedGateway.audience)
    network.send(request, from: client)
    run(turns: count)
    return String(decoding: network.takeReceived(by: client), as: UTF8.self)
  }
}
