/// An address at which agents reach the gateway, and whom it speaks to there.
public struct ListenerConfiguration: Equatable, Sendable {
  public var address = SocketAddress(bytes: [127, 0, 0, 1], port: 8080)
  /// Nil for plain HTTP.
  public var tls: ListenerTLSConfiguration?
  /// The hosts that requests may name, with or without a port, in lower case; `*` for any. Nil for the default.
  public var allowedHosts: [String]?
  /// The origins of web pages that may call, as browsers send them.
  public var allowedOrigins: [String] = []

  public init() {}

  /// The hosts that requests may name; nil for any. Without a list, a listener that only this machine can reach takes this
  /// machine's own names, and the host of `publicURL`, behind which a proxy may stand: a web page whose name was made to
  /// resolve to 127.0.0.1 (DNS rebinding) comes with its own. Others take any, because nobody but the operator knows
  /// their names.
  public func hosts(publicHost: String?) -> [String]? {
    if let allowedHosts { return allowedHosts.contains("*") ? nil : allowedHosts }
    guard address.isLoopback else { return nil }
    return ["localhost", "127.0.0.1", "[::1]"] + (publicHost.map { [$0] } ?? [])
      + [address.isIPv6 ? "[\(IPAddress.text(address.bytes))]" : IPAddress.text(address.bytes)]
  }
}

extension ListenerConfiguration: SchemaObject {
  static var keys: KeyTable<ListenerConfiguration> {
    KeyTable(
      keys: [
        .required(
          "address", \.address, .socketAddress,
          "IP address and port, such as 127.0.0.1:8080 (this machine only) or 0.0.0.0:8080 (flag --listen)"
        ),
        .optional(
          "tls", \.tls, Shape<ListenerTLSConfiguration>.object.optional,
          "certificate and key, for agents that come over https; plain http when left out"),
        .optional(
          "allowed_hosts", \.allowedHosts,
          Shape<[String]>.list(.allowedHost, atLeast: 1, atMost: 64).optional,
          "the hosts that requests may name (Host), others are answered 421; left out: this machine's names on a loopback address, any elsewhere"
        ),
        .optional(
          "allowed_origins", \.allowedOrigins, .list(.webOrigin, atMost: 64),
          "the web pages that may call (Origin), such as https://inspector.example; others are answered 403"
        ),
      ],
      later: [
        ("name", "leave it out")
      ])
  }
}

extension Shape where Value == String {
  /// A host by name or address, with a port where only that one is meant, or `*`.
  fileprivate static var allowedHost: Shape {
    .text(bytesMax: 261, expected: "a host, such as mcp.example").map { text, node, reading in
      if text == "*" { return text }
      let hasPort = text.lastIndex(of: ":").map { !text[$0...].contains("]") } ?? false
      switch HostAndPort.parse(hasPort ? text : "\(text):80") {
      case .success: return text.lowercased()
      case .failure(let refusal):
        reading.report(node.origin, refusal.message)
        return nil
      }
    }
  }

  /// An origin as browsers write it (RFC 6454 §6.2): scheme, host, and the port unless it is the scheme's own.
  fileprivate static var webOrigin: Shape {
    .text(bytesMax: ListenerConfiguration.originBytesMax, expected: "an origin").map {
      text, node, reading in
      func refuse(_ message: String) -> String? {
        reading.report(node.origin, message)
        return nil
      }
      if text == "*" {
        return refuse("every web page on the net could call; write the origins that may")
      }
      guard let start = text.firstRange(of: "://")?.upperBound, start > text.startIndex,
        text[..<start].lowercased() == text[..<start]
      else {
        return refuse("\"\(text)\" is no origin; write one such as https://inspector.example")
      }
      let rest = text[start...]
      guard !rest.contains("/") else {
        return refuse(
          "an origin ends with its host and port; leave \"\(rest.drop { $0 != "/" })\" out")
      }
      let scheme = text[..<start].dropLast(3)
      let own = scheme == "https" ? ":443" : scheme == "http" ? ":80" : nil
      if let own, rest.hasSuffix(own) {
        return refuse("browsers leave \(own) out of an origin; so must this")
      }
      let hasPort = rest.lastIndex(of: ":").map { !rest[$0...].contains("]") } ?? false
      if case .failure(let refusal) = HostAndPort.parse(hasPort ? "\(rest)" : "\(rest):80") {
        return refuse(refusal.message)
      }
      return "\(scheme)://\(rest.lowercased())"
    }
  }
}

extension ListenerConfiguration {
  /// Longest origin: it is repeated in answers' heads, which have room for one of this size.
  static var originBytesMax: Int { 128 }
}
