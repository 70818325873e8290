internal import PlainJSON

/// A host, by name or address, and a port.
public struct HostAndPort: Equatable, Sendable, CustomStringConvertible {
  /// IPv6 addresses in brackets.
  public var host: String
  public var port: UInt16

  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  public var description: String { "\(host):\(port)" }

  /// Whether only this machine is behind it, as far as the text tells.
  public var isLoopback: Bool {
    if host == "localhost" { return true }
    let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    return IPAddress.bytes(bare).map { SocketAddress(bytes: $0, port: port).isLoopback } ?? false
  }

  static func isLoopback(urlHost url: String) -> Bool {
    guard let start = url.firstRange(of: "://")?.upperBound else { return false }
    let authority = url[start...].prefix { $0 != "/" }
    return (try? parse(authority.contains(":") ? String(authority) : "\(authority):80").get())?
      .isLoopback ?? false
  }

  static func parse(_ text: String) -> Result<HostAndPort, Refusal> {
    guard let colon = text.lastIndex(of: ":"), !text.hasSuffix("]"), !text.contains("/") else {
      return .failure("\"\(text)\" has no port; write host:port, such as siem.example:6514")
    }
    // A host is written the same way as in an address of a server.
    return UpstreamURL.parse("http://\(text)/").map { url in
      HostAndPort(host: text[..<colon].lowercased(), port: url.port)
    }
  }
}

extension Shape where Value == HostAndPort {
  /// `host:port` with the host as a name or an address.
  static var hostAndPort: Shape {
    written(
      "^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+):[0-9]+$", "host:port, such as siem.example:6514",
      HostAndPort.parse)
  }
}

extension Shape where Value == String {
  /// `https://host/path` (or http). User information and queries are refused: secrets stand in them, and this address is
  /// shown in logs.
  static var webhookURL: Shape {
    Shape(
      schema: ["type": "string", "pattern": "^https?://[^/?#@]+(/[^?#]*)?$"],
      read: { node, reading in
        let expected = "an address such as https://siem.example/events"
        guard let text = scalar(node, expected, &reading)?.text else { return nil }
        let isSecure = text.lowercased().hasPrefix("https://")
        guard isSecure || text.lowercased().hasPrefix("http://") else {
          reading.report(node.origin, "expected \(expected)")
          return nil
        }
        // Everything but the scheme is written as in an address of a server.
        let rest = text[(text.firstRange(of: "://")?.upperBound ?? text.endIndex)...]
        if case .failure(let refusal) = UpstreamURL.parse("http://\(rest)") {
          reading.report(
            node.origin, refusal.message.replacing("use \"credential\"", with: "use \"secret\""))
          return nil
        }
        return "\(isSecure ? "https" : "http")://\(rest)"
      }, show: { .string($0) })
  }
}
