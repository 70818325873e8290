internal import CLinux
import Glibc

/// A numeric IPv4 or IPv6 address with a port, or a name of the abstract namespace of Unix sockets. Host names are
/// resolved by the control plane, never on a worker.
public struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
  /// "127.0.0.1" or "::1", without brackets; "@name" for a Unix socket.
  public let host: String
  public let port: UInt16

  /// - Throws: `IOError` with EINVAL when `host` is not a numeric address.
  public init(host: String, port: UInt16) throws(IOError) {
    var probe = linux_address()
    let code = unsafe linux_address_make(&probe, host, port)
    guard code == 0 else {
      throw IOError(operation: "'\(host)' is no numeric IPv4 or IPv6 address", code: code)
    }
    self.host = host
    self.port = port
  }

  /// A Unix socket of the abstract namespace, which has no port: reachable from this machine's network namespace only.
  /// - Throws: `IOError` with EINVAL when the name is empty or longer than 25 bytes.
  public init(localName: String) throws(IOError) {
    try self.init(host: "@\(localName)", port: 0)
  }

  public var description: String {
    if host.hasPrefix("@") { return host }
    return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  public static func == (left: SocketAddress, right: SocketAddress) -> Bool {
    left.host == right.host && left.port == right.port
  }

  /// The kernel's form, to be kept wherever connections are made.
  public var prepared: PreparedAddress { PreparedAddress(self) }
}

/// A socket address in the kernel's form: no `String`, so workers can copy it freely.
@safe
public struct PreparedAddress: BitwiseCopyable, Sendable {
  var raw: linux_address

  init(_ address: SocketAddress) {
    var raw = linux_address()
    _ = unsafe linux_address_make(&raw, address.host, address.port)
    self.raw = raw
  }

  /// The port alone, by which the simulated network tells servers apart.
  var port: UInt16 {
    UInt16(raw.bytes.2) << 8 | UInt16(raw.bytes.3)
  }
}

/// The text of an errno, as `strerror` has it.
func errorText(_ code: Int32) -> String {
  unsafe String(cString: strerror(code))
}
