import EventLoop
import Glibc

/// Addresses as the gateway takes them. (A file of its own, because `Configuration` has a `SocketAddress` too, and
/// both modules hide their own names behind a type that is called like them.)
enum Address {
  /// - Parameter host: a numeric address, without brackets.
  static func numeric(host: String, port: UInt16) throws(CommandFailure) -> SocketAddress {
    do {
      return try SocketAddress(host: host, port: port)
    } catch {
      throw CommandFailure("\(error)", status: .usage)
    }
  }

  /// Reads `127.0.0.1:8080` and `[::1]:8080`.
  static func numeric(_ text: String) throws(CommandFailure) -> SocketAddress {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[colon...].dropFirst()) else {
      throw CommandFailure("'\(text)' is no address with a port.", status: .usage)
    }
    let host = text[..<colon].trimmingPrefix("[")
    return try numeric(host: String(host.hasSuffix("]") ? host.dropLast() : host), port: port)
  }

  /// Looks a host name up, as the system does it. Workers never do: they get what is found here.
  /// - Returns: the first address found, or nil when nobody knows the name.
  static func lookUp(host: String, port: UInt16) throws(CommandFailure) -> SocketAddress? {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(host, nil, &hints, &list) == 0, let first = unsafe list else {
      return nil
    }
    defer { unsafe freeaddrinfo(first) }
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let code = unsafe getnameinfo(
      first.pointee.ai_addr, first.pointee.ai_addrlen, &name, socklen_t(name.count), nil, 0,
      NI_NUMERICHOST)
    guard code == 0 else { return nil }
    let text = String(
      decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return try numeric(host: text, port: port)
  }
}
