internal import PlainJSON

/// Where a server is: `http://host:port/path`, or `https://` when TLS is spoken to it.
public struct UpstreamURL: Equatable, Sendable, CustomStringConvertible {
  /// A host name, or an IP address (IPv6 without its brackets). Names are looked up when the
  /// gateway starts.
  public var host: String
  public var port: UInt16
  /// The request target, beginning with a slash.
  public var path: String
  /// The IP address in network order when the host is one: 4 or 16 bytes.
  public var addressBytes: [UInt8]?
  public var isTLS = false

  /// What the `Host` field says (RFC 9112 §3.2): without the port when it is the scheme's own.
  public var authority: String {
    let host = addressBytes?.count == 16 ? "[\(host)]" : host
    return port == Self.defaultPort(isTLS: isTLS) ? host : "\(host):\(port)"
  }

  public var description: String { "\(origin)\(path)" }

  /// Scheme, host and port (RFC 6454), without the port when it is the scheme's own.
  public var origin: String { "\(isTLS ? "https" : "http")://\(authority)" }

  private static func defaultPort(isTLS: Bool) -> UInt16 { isTLS ? 443 : 80 }

  static let pathBytesMax = 1024

  /// Reads exactly the part of RFC 3986 that is of use here. User information and queries are
  /// refused, not because they are wrong but because secrets stand in them, and this address is
  /// shown in logs.
  static func parse(_ text: String) -> Result<UpstreamURL, Refusal> {
    guard let schemeEnd = text.firstRange(of: "://") else {
      return .failure("expected an address such as http://127.0.0.1:9000/mcp")
    }
    let isTLS: Bool
    switch text[..<schemeEnd.lowerBound].lowercased() {
    case "http": isTLS = false
    case "https": isTLS = true
    default: return .failure("expected an address that begins with https:// or http://")
    }
    let rest = text[schemeEnd.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let path = String(rest.dropFirst(authority.count))
    guard !authority.contains("@") else {
      return .failure("a user name or password does not belong in the address; use \"credential\"")
    }
    guard !path.contains("?"), !path.contains("#") else {
      return .failure(
        "a \"?\" or \"#\" does not belong in the address; for a secret use \"credential\"")
    }
    guard path.isEmpty || isPath(path) else {
      return .failure(
        "the path of the address has a character that must be percent-encoded, or is too long")
    }
    let fallback = defaultPort(isTLS: isTLS)
    return parse(authority: String(authority), defaultPort: fallback).map { host, port in
      UpstreamURL(
        host: host, port: port, path: path.isEmpty ? "/" : path,
        addressBytes: IPAddress.bytes(host), isTLS: isTLS)
    }
  }

  /// Whether another address leads to the same port of the same host, whatever the path and however this machine is called.
  public func isSamePlace(as text: String) -> Bool {
    guard case .success(let other) = UpstreamURL.parse(text), other.port == port else {
      return false
    }
    return host.lowercased() == other.host.lowercased() || (isThisMachine && other.isThisMachine)
  }

  private var isThisMachine: Bool {
    host.lowercased() == "localhost" || addressBytes?.first == 127
      || addressBytes == Array(repeating: 0, count: 15) + [1]
  }

  private static func parse(
    authority: String, defaultPort: UInt16
  ) -> Result<(String, UInt16), Refusal> {
    var host = authority[...]
    var port = defaultPort
    if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
      host = authority[..<colon]
      let text = authority[colon...].dropFirst()
      guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(text),
        number > 0
      else {
        return .failure("\"\(text)\" is not a port; expected a number from 1 to 65535")
      }
      port = number
    }
    guard !host.isEmpty else {
      return .failure("the address has no host; write https://host:port/path")
    }
    if host.hasPrefix("["), host.hasSuffix("]") {
      let inner = String(host.dropFirst().dropLast())
      guard IPAddress.bytes(inner)?.count == 16 else {
        return .failure("\"\(inner)\" is not an IPv6 address")
      }
      return .success((inner, port))
    }
    guard isHostName(host) || IPAddress.bytes(String(host))?.count == 4 else {
      return .failure("\"\(host)\" is neither a host name nor an IP address")
    }
    return .success((host.lowercased(), port))
  }

  /// A host name or an IP address, without brackets.
  static func isHost(_ text: String) -> Bool {
    isHostName(text[...]) || IPAddress.bytes(text) != nil
  }

  /// Letters, digits and hyphens in labels of up to 63 (RFC 1123 §2.1), with underscores, which
  /// service discovery uses.
  private static func isHostName(_ host: Substring) -> Bool {
    let labels = host.split(separator: ".", omittingEmptySubsequences: false)
    let areLabels = labels.allSatisfy { label in
      (1...63).contains(label.utf8.count) && label.utf8.first != 0x2D && label.utf8.last != 0x2D
        && label.utf8.allSatisfy { URLCharacters.isLetterOrDigit($0) || $0 == 0x2D || $0 == 0x5F }
    }
    // A last label of digits only is an IPv4 address gone wrong.
    let isNumeric = labels.last?.utf8.allSatisfy { (0x30...0x39).contains($0) } ?? true
    return host.utf8.count <= 253 && areLabels && !isNumeric
  }

  private static func isPath(_ path: String) -> Bool {
    path.utf8.count <= pathBytesMax && path.utf8.allSatisfy(URLCharacters.isPathCharacter)
  }
}

/// The classes of characters of RFC 3986 that are used here.
enum URLCharacters {
  static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  /// `pchar`, the slash, and the percent sign of an encoded character.
  static func isPathCharacter(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || "-._~!$&'()*+,;=:@/%".utf8.contains(byte)
  }
}

extension Shape where Value == UpstreamURL {
  static var upstreamURL: Shape {
    written(
      "^https?://[^/?#@]+(/[^?#]*)?$", "an address such as http://127.0.0.1:9000/mcp",
      UpstreamURL.parse)
  }
}

extension Shape where Value == String {
  /// The path at which agents reach a server: segments of plain characters, no empty one, no dots
  /// alone.
  static var listenerPath: Shape {
    let plain = text(bytesMax: 256, expected: "a path such as /orders/mcp")
    return Shape(
      schema: ["type": "string", "pattern": "^(/[A-Za-z0-9._~-]+)+$", "maxLength": 256],
      read: { node, reading in
        guard let text = plain.read(node, &reading) else { return nil }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let areWell = segments.allSatisfy { segment in
          !segment.isEmpty && segment != "." && segment != ".."
            && segment.utf8.allSatisfy {
              URLCharacters.isLetterOrDigit($0) || "-._~".utf8.contains($0)
            }
        }
        guard text.hasPrefix("/"), areWell else {
          reading.report(
            node.origin,
            "expected a path such as /orders/mcp: slashes and letters, digits, \"-\", \".\", \"_\", \"~\", with no slash at the end"
          )
          return nil
        }
        guard segments.first != ".well-known" else {
          reading.report(
            node.origin, "paths under /.well-known/ are the gateway's own; choose another")
          return nil
        }
        return text
      }, show: { .string($0) })
  }
}
