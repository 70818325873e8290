import Glibc

/// An IP address and a port to listen on.
public struct SocketAddress: Equatable, Hashable, Sendable, CustomStringConvertible {
  /// The address in network order: 4 bytes for IPv4, 16 for IPv6.
  public var bytes: [UInt8]
  public var port: UInt16

  public init(bytes: [UInt8], port: UInt16) {
    precondition(bytes.count == 4 || bytes.count == 16)
    self.bytes = bytes
    self.port = port
  }

  public var isIPv6: Bool { bytes.count == 16 }

  /// Whether only this machine can reach it: 127.0.0.0/8 and ::1.
  public var isLoopback: Bool {
    isIPv6 ? bytes == [UInt8](repeating: 0, count: 15) + [1] : bytes[0] == 127
  }

  /// Whether it stands for every address of the machine: 0.0.0.0 and ::.
  public var isAny: Bool { bytes.allSatisfy { $0 == 0 } }

  /// Whether both would take the same port of the same address.
  func collides(with other: SocketAddress) -> Bool {
    guard port == other.port else { return false }
    return bytes == other.bytes || (isIPv6 == other.isIPv6 && (isAny || other.isAny))
  }

  /// `127.0.0.1:8080`, `[::1]:8080`.
  public var description: String {
    isIPv6 ? "[\(IPAddress.text(bytes))]:\(port)" : "\(IPAddress.text(bytes)):\(port)"
  }
}

/// The two forms of IP addresses, by the C library's reader and writer.
enum IPAddress {
  /// Four decimal numbers with dots, or IPv6 without a zone; nil for anything else.
  static func bytes(_ text: String) -> [UInt8]? {
    for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: count)
      if unsafe inet_pton(family, text, &bytes) == 1 { return bytes }
    }
    return nil
  }

  static func text(_ bytes: [UInt8]) -> String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    let isWritten = unsafe inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil
    precondition(isWritten)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension Shape where Value == SocketAddress {
  /// `host:port` with the host as an IP address.
  static var socketAddress: Shape {
    written(
      "^(\\[[0-9A-Fa-f:.]+\\]|[0-9.]+):[0-9]+$",
      "an address and a port, such as 127.0.0.1:8080 or [::1]:8080", parse)
  }

  static func parse(_ text: String) -> Result<SocketAddress, Refusal> {
    guard let colon = text.lastIndex(of: ":") else {
      return .failure(
        "\"\(text)\" has no port; write an address and a port, such as 127.0.0.1:8080")
    }
    var host = String(text[..<colon])
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = String(host.dropFirst().dropLast()) }
    if host.contains(":"), !isBracketed {
      return .failure("an IPv6 address stands in brackets before its port: [::1]:8080")
    }
    if host.isEmpty || host == "*" {
      return .failure(
        "which address? Write 127.0.0.1:\(text[colon...].dropFirst()) for this machine only, 0.0.0.0:… or [::]:… for all"
      )
    }
    let portText = text[colon...].dropFirst()
    guard portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(portText),
      port > 0
    else {
      return .failure("\"\(portText)\" is not a port; expected a number from 1 to 65535")
    }
    guard let bytes = IPAddress.bytes(host), (bytes.count == 16) == isBracketed else {
      let hint =
        host == "localhost"
        ? "; for localhost write 127.0.0.1:\(port)" : "; host names are not looked up for listeners"
      return .failure("\"\(host)\" is not an IP address\(hint)")
    }
    return .success(SocketAddress(bytes: bytes, port: port))
  }
}

/// Why a text is not what was expected, for the person who wrote it.
struct Refusal: Error, ExpressibleByStringInterpolation {
  var message: String
  init(stringLiteral value: String) { message = value }
}
