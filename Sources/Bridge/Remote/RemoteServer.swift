public import Identity
internal import Synchronization

/// A server that is reached over HTTP, but speaks in a way that the workers do not: the bridge stands between.
public struct RemoteServer: Sendable, Equatable {
  public enum Speech: Sendable, Equatable {
    /// HTTP+SSE of revision 2024-11-05: a stream for what the server says, a second address for what it is told.
    case eventStream
    /// Streamable HTTP of the modern era only (2026-07-28). The bridge serves its agents of the legacy era.
    case modern
  }

  public var speech: Speech
  /// Scheme, host and port as in its URL: `https://orders.example:8443`. What it names itself must lie there.
  public var origin: String
  /// The request target: `/mcp`, `/sse`.
  public var target: String
  let place: RemotePlace

  public init(speech: Speech, origin: String, target: String, access: RemoteAccess) {
    self.speech = speech
    self.origin = origin
    self.target = target
    place = RemotePlace(access)
  }

  /// What may change while sessions go on is not part of what it is.
  public static func == (left: RemoteServer, right: RemoteServer) -> Bool {
    left.speech == right.speech && left.origin == right.origin && left.target == right.target
  }
}

/// How a server is reached just now: looked up, refreshed and reloaded while sessions with it go on.
public struct RemoteAccess: Sendable {
  /// A numeric address, IPv6 without brackets.
  public var host: String
  public var port: UInt16
  /// The value of the field Host.
  public var authority: String
  /// The field that carries the gateway's credential, and its value.
  public var credential: (field: String, value: Secret)?
  /// How TLS is spoken to it; nil for plain HTTP.
  public var tls: TLSContext?

  public init(
    host: String, port: UInt16, authority: String,
    credential: (field: String, value: Secret)? = nil, tls: TLSContext? = nil
  ) {
    self.host = host
    self.port = port
    self.authority = authority
    self.credential = credential
    self.tls = tls
  }
}

extension BridgedServer {
  /// Has sessions that go on reach the server as the other says.
  func adoptAccess(of other: BridgedServer) {
    guard let remote, let newer = other.remote else { return }
    remote.place.adopt(newer.place)
  }
}

/// Where the present access of a server is found.
final class RemotePlace: Sendable {
  private let access: Mutex<RemoteAccess>

  init(_ access: RemoteAccess) { self.access = Mutex(access) }

  var now: RemoteAccess { access.withLock { $0 } }

  func adopt(_ other: RemotePlace) {
    let newer = other.now
    access.withLock { $0 = newer }
  }
}

extension Secret {
  /// For a header field, which is written as text.
  var text: String {
    reveal { bytes in unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }
  }
}
