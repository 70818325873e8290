public import EventLoop
import Glibc

/// A numeric address as the workers take it; `SluiceConfiguration` has a `SocketAddress` of its own.
public typealias NumericSocketAddress = SocketAddress

/// Addresses as the gateway takes them. (A file of its own, because `SluiceConfiguration` has a `SocketAddress` too, and
/// both modules hide their own names behind a type that is called like them.)
enum NumericAddress {
  /// - Parameter host: a numeric address, without brackets.
  static func make(host: String, port: UInt16) throws(ServiceFailure) -> SocketAddress {
    do {
      return try SocketAddress(host: host, port: port)
    } catch {
      throw ServiceFailure("\(error)")
    }
  }

  /// Reads `127.0.0.1:8080` and `[::1]:8080`.
  static func make(_ text: String) throws(ServiceFailure) -> SocketAddress {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[colon...].dropFirst()) else {
      throw ServiceFailure("'\(text)' is no address with a port.")
    }
    let host = text[..<colon].trimmingPrefix("[")
    return try make(host: String(host.hasSuffix("]") ? host.dropLast() : host), port: port)
  }

  /// Most addresses of one name that are kept.
  static let countMax = 32

  /// Looks a host name up, as the system does it; may take many seconds. Workers never do: they get what is found here.
  /// - Returns: what was found, in the resolver's order; empty when nobody knows the name.
  static func lookUp(host: String, port: UInt16) -> [SocketAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(host, nil, &hints, &list) == 0, let first = unsafe list else {
      return []
    }
    defer { unsafe freeaddrinfo(first) }
    var found: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next, found.count < countMax {
      unsafe next = entry.pointee.ai_next
      guard let address = unsafe numeric(entry.pointee, port: port) else { continue }
      if !found.contains(address) { found.append(address) }
    }
    return found
  }

  private static func numeric(_ entry: addrinfo, port: UInt16) -> SocketAddress? {
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let code = unsafe getnameinfo(
      entry.ai_addr, entry.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST)
    guard code == 0 else { return nil }
    let text = String(
      decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return try? SocketAddress(host: text, port: port)
  }
}
