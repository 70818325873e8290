public import Identity
internal import PlainJSON
public import Policy

/// An MCP server behind the gateway.
public struct ServerConfiguration: Sendable {
  public var name = ""
  /// Where it is, when it is reached over HTTP. Without meaning for one that is started by `command`.
  public var url = UpstreamURL(host: "", port: 80, path: "/", addressBytes: nil)
  /// The path at which agents reach it: `/<name>/mcp` unless the file says otherwise.
  public var path = ""
  /// What the gateway proves itself with to the server; nil sends nothing.
  public var credential: CredentialConfiguration?
  /// What the server may ask of agents; nothing unless the file says so.
  public var clientRequests: [ClientRequest] = []
  /// Methods beyond the protocol's that it may be sent: exact names, or beginnings with a star behind them.
  public var methods: [String] = []
  /// What agents get of the ids of its events.
  public var eventIDs = EventIDs.sealed
  /// Whether agents that speak HTTP+SSE (2024-11-05) are served as well.
  public var servesEventStreams = true
  /// How a server with a URL speaks.
  public var transport = ServerTransport.http
  /// Which revisions it speaks.
  public var era = ServerEra.auto
  /// A program and its arguments: a server on standard input and output. Empty for one that is reached by `url`.
  public var command: [String] = []
  /// The whole environment of its processes.
  public var environment: [EnvironmentVariable] = []
  /// Where its processes run; nil for where the gateway runs.
  public var directory: String?
  public var sharing = ProcessSharing.session
  public var limits = ServerLimitsConfiguration()
  public var position: SourcePosition?
  /// How TLS is spoken to a server whose address begins with `https://`.
  public var tls: ServerTLSConfiguration?
  /// Made of all that; nil for plain HTTP (and where `sluice check` could not have the files).
  public var tlsContext: TLSContext?

  /// Whether the gateway starts it itself.
  public var isCommand: Bool { !command.isEmpty }

  /// Whether all its requests go through the bridge, because workers cannot speak with it.
  public var isBridged: Bool { isCommand || transport == .sse }

  /// Whether its requests of the legacy era, and no others, go through the bridge.
  public var isBridgedForLegacy: Bool { !isBridged && era == .modern }

  /// Where agents of HTTP+SSE open their stream: beside the path of the others.
  public var eventStreamPath: String {
    (path.hasSuffix("/mcp") ? String(path.dropLast(4)) : path) + "/sse"
  }

  public init() {}

  /// Of a server that is started by a command.
  public var processLimits: ProcessLimitsConfiguration { limits.processes }
}

extension ServerConfiguration: SchemaObject {
  static var all: Shape<[ServerConfiguration]> {
    let servers: Shape<[ServerConfiguration]> = .mapping(
      keys: .name("the name of a server"), Shape<ServerConfiguration>.object
    ) { name, origin, server in
      var server = server
      server.name = name
      server.position = origin.position
      if server.path.isEmpty { server.path = "/\(name)/mcp" }
      return server
    }
    var all: Shape<[ServerConfiguration]> = servers.map { servers, node, reading in
      guard !servers.isEmpty else {
        reading.report(
          node.origin, "at least one server is needed: orders: { url: http://127.0.0.1:9000/mcp }")
        return nil
      }
      return servers
    }
    let complete = all.complete
    all.complete = { node in
      guard case .mapping(var members) = complete(node) else { return complete(node) }
      for index in members.indices {
        guard case .mapping(var server) = members[index].value,
          !server.contains(where: { $0.key == "path" })
        else { continue }
        server.insert(
          .init(key: "path", value: .text("/\(members[index].key)/mcp")), at: min(1, server.count))
        members[index].value = .mapping(server)
      }
      return .mapping(members)
    }
    return all
  }

  static var keys: KeyTable<ServerConfiguration> {
    KeyTable(
      keys: [
        Key.optional("url", \.url, .upstreamURL, "where the server is: http://host:port/path")
          .withoutDefault,
        .optional(
          "command", \.command, .command,
          "instead of url: the program, and its arguments, of a server on standard input and output"
        ),
        .optional(
          "path", \.path, .listenerPath,
          "the path at which agents reach it; /<name>/mcp when left out"
        ).withoutDefault,
        .optional(
          "credential", \.credential, Shape<CredentialConfiguration>.object.optional,
          "what the gateway proves itself with to the server; agents never see it"),
        .optional(
          "client_requests", \.clientRequests, .list(.word(), atMost: 3),
          "what the server may ask of agents: sampling (their model), elicitation (their user), roots (their directories); nothing when left out"
        ),
        .optional(
          "methods", \.methods, .list(.extraMethod, atMost: 64),
          "methods beyond the protocol's that agents with a profile for it may send, exact or with a star at the end: com.example/jobs.*; none when left out"
        ),
        .optional(
          "event_ids", \.eventIDs, .word(),
          "what agents get of the ids of its events: sealed (bound to principal and session), or server (as they are, for a server that itself sends a session's events to nobody else)"
        ),
        .optional(
          "client_sse", \.servesEventStreams, .boolean,
          "whether agents that speak HTTP+SSE (2024-11-05) are served as well: at the path with /sse in place of /mcp"
        ),
        .optional(
          "limits", \.limits, .object, "bounds for this server, in place of the general \"limits\""),
        .optional(
          "tls", \.tls, Shape<ServerTLSConfiguration>.object.optional,
          "whom to trust, for a server at https://; the system's authorities when left out"),
        .optional(
          "transport", \.transport, .word(),
          "with url: how the server speaks: http (Streamable HTTP), or sse (HTTP+SSE of 2024-11-05, where the url is that of its event stream)"
        ),
        .optional(
          "era", \.era, .word(),
          "with url: which revisions the server speaks: auto (it answers for itself), or modern (2026-07-28 only, and the gateway serves agents of the earlier ones)"
        ),
        .optional(
          "environment", \.environment, .environment,
          "with command: the whole environment of its processes, values plain or by reference: PGURL: env:PGURL"
        ),
        .optional(
          "directory", \.directory, Shape<String>.directory.optional,
          "with command: the folder its processes run in"),
        .optional(
          "sharing", \.sharing, .word(),
          "with command: whether each session has a process of its own, or all share one"),
      ],
      later: [
        ("tool_pinning", "leave it out"),
        ("health", "a server that fails is tried again by itself; leave it out"),
      ],
      tells: { key, members in
        let isCommand = members.contains { $0.key == "command" }
        return switch key {
        case "sharing": isCommand
        case "transport", "era": !isCommand
        default: true
        }
      },
      finish: { server, node, reading in
        server.checkKind(node, &reading)
        if !server.isCommand { server.makeTLS(node, &reading) }
      })
  }

  /// A server is either reached or started, and each has keys of its own.
  private func checkKind(_ node: Node, _ reading: inout Reading) {
    guard case .mapping(let members) = node.content else { return }
    func origin(_ key: String) -> Node.Origin? { members.first { $0.key == key }?.keyOrigin }
    switch (origin("url"), origin("command")) {
    case (nil, nil):
      reading.report(
        node.origin,
        "the key \"url\" is missing: where the server is: http://host:port/path (or \"command\", to start it)"
      )
    case (_?, let command?):
      reading.report(command, "a server has a \"url\" or a \"command\", not both")
    case (nil, _?):
      if let credential = origin("credential") {
        reading.report(
          credential,
          "a server on standard input and output is sent no header fields; put the secret into \"environment\""
        )
      }
      for key in ["tls", "transport", "era"] {
        if let origin = origin(key) {
          reading.report(origin, "\"\(key)\" is for servers with a \"url\"; leave it out")
        }
      }
    case (_?, nil):
      for key in ["environment", "directory", "sharing"] {
        if let origin = origin(key) {
          reading.report(origin, "\"\(key)\" is for servers with a \"command\"; leave it out")
        }
      }
      if transport == .sse, era == .modern, let origin = origin("era") {
        reading.report(
          origin, "the transport sse is older than the modern era; leave \"era\" out")
      }
      limits.refuseProcessKeys(members.first { $0.key == "limits" }?.value, &reading)
    }
  }
}

extension Shape where Value == String {
  /// A method that the protocol does not have, or the beginning of several.
  static var extraMethod: Shape {
    .text(bytesMax: 128, expected: "a method such as com.example/jobs.status").map {
      text, node, reading in
      let name = text.hasSuffix("*") ? text.dropLast() : text[...]
      guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2A }) else {
        reading.report(
          node.origin,
          "expected a method such as com.example/jobs.status, or its beginning and a star: com.example/*"
        )
        return nil
      }
      guard !name.hasPrefix("notifications/") else {
        reading.report(
          node.origin, "notifications that the protocol does not have are not passed on")
        return nil
      }
      return text
    }
  }

  /// A reference to a secret. What stands here instead may be the secret itself, so it is never
  /// shown.
  static var secretReference: Shape {
    Shape(
      schema: ["type": "string", "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"],
      read: { node, reading in
        let expected = "a reference to a secret (env:NAME or file:/path)"
        guard let text = scalar(node, expected, &reading)?.text else { return nil }
        if case .failure(let refusal) = SecretResolver.reference(text) {
          reading.report(node.origin, refusal.message, showsSource: false)
          return nil
        }
        return text
      })
  }

  static var credentialScheme: Shape {
    .text(bytesMax: 64, expected: "a scheme such as Bearer").map { text, node, reading in
      guard text.utf8.allSatisfy(HeaderName.isTokenCharacter) else {
        reading.report(node.origin, "expected one word such as Bearer", showsSource: false)
        return nil
      }
      return text
    }
  }

  static var credentialHeader: Shape {
    .text(bytesMax: 128, expected: "the name of a header field").map { text, node, reading in
      guard text.utf8.allSatisfy(HeaderName.isTokenCharacter) else {
        reading.report(node.origin, "\"\(text)\" is not the name of a header field")
        return nil
      }
      guard !HeaderName.isTaken(text) else {
        reading.report(
          node.origin, "the gateway writes \"\(text)\" itself; a credential needs another field")
        return nil
      }
      return text
    }
  }
}

/// Names of header fields.
enum HeaderName {
  /// `tchar` of RFC 9110 §5.6.2.
  static func isTokenCharacter(_ byte: UInt8) -> Bool {
    URLCharacters.isLetterOrDigit(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
  }

  /// Fields that frame the message or carry the protocol: the gateway writes them from what it
  /// judged.
  static func isTaken(_ name: String) -> Bool {
    let name = name.lowercased()
    let taken: Set<String> = [
      "host", "connection", "content-length", "content-type", "content-encoding",
      "transfer-encoding", "te", "trailer",
      "upgrade", "expect", "keep-alive", "accept", "accept-encoding", "origin", "last-event-id",
      "date",
    ]
    return taken.contains(name) || name.hasPrefix("mcp-") || name.hasPrefix("proxy-connection")
  }
}
