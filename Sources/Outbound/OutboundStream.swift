internal import CCurl

/// What a stream's peer must prove, and what it is shown.
public struct OutboundTLS: Sendable {
  /// Certificate authorities instead of the system's, in PEM form.
  public var authorities: [UInt8]?
  /// What proves who we are, where the receiver asks for that: both in PEM form.
  public var certificate: [UInt8]?
  public var key: [UInt8]?

  public init(authorities: [UInt8]? = nil, certificate: [UInt8]? = nil, key: [UInt8]? = nil) {
    self.authorities = authorities
    self.certificate = certificate
    self.key = key
  }
}

/// A connection that carries bytes one way or both, over TCP or TLS 1.2 and newer. Every call blocks its thread, up to the
/// time given; not to be used by two threads at once.
@safe
public final class OutboundStream {
  private let stream: OpaquePointer

  /// Connects.
  /// - Parameters:
  ///   - host: a name or a numeric address, IPv6 in brackets.
  ///   - tls: nil for plain TCP. With TLS the peer's certificate and name are verified.
  public init(
    host: String, port: UInt16, tls: OutboundTLS? = nil, connectMilliseconds: Int = 5_000
  ) throws(OutboundError) {
    var reason = [CChar](repeating: 0, count: 256)
    let url = "\(tls == nil ? "http" : "https")://\(host):\(port)"
    let opened = unsafe OutboundText.with(pem: tls?.authorities) { authorities in
      unsafe OutboundText.with(pem: tls?.certificate) { certificate in
        unsafe OutboundText.with(pem: tls?.key) { key in
          unsafe curl_stream_open(
            url, authorities, certificate, key, connectMilliseconds, &reason)
        }
      }
    }
    guard let opened = unsafe opened else { throw OutboundStream.error(reason) }
    unsafe stream = opened
  }

  deinit { unsafe curl_stream_close(stream) }

  private static func error(_ reason: [CChar]) -> OutboundError {
    OutboundError(
      String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }

  /// Sends bytes, waiting for room; returns how many left, 0 when there was no room in time.
  public func send(_ bytes: ArraySlice<UInt8>, milliseconds: Int) throws(OutboundError) -> Int {
    guard !bytes.isEmpty else { return 0 }
    var reason = [CChar](repeating: 0, count: 256)
    let sent = unsafe bytes.withUnsafeBytes { bytes in
      unsafe curl_stream_send(stream, bytes.baseAddress, bytes.count, milliseconds, &reason)
    }
    guard sent >= 0 else { throw OutboundStream.error(reason) }
    return sent
  }

  /// Bytes that were sent and that the peer's system has not acknowledged yet (with TLS, encrypted ones); nil when the
  /// system does not say. What is acknowledged has arrived there, which is not to say that the peer has read it.
  public var unacknowledgedBytes: Int? {
    let count = unsafe curl_stream_unacknowledged(stream)
    return count < 0 ? nil : count
  }

  /// What became of `receive`.
  public enum Received: Sendable, Equatable {
    case bytes([UInt8])
    /// The peer ended the connection.
    case ended
    case nothing
  }

  /// Waits for bytes, at most `count`.
  public func receive(upTo count: Int, milliseconds: Int) throws(OutboundError) -> Received {
    var reason = [CChar](repeating: 0, count: 256)
    var buffer = [UInt8](repeating: 0, count: count)
    let received = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe curl_stream_receive(stream, bytes.baseAddress, bytes.count, milliseconds, &reason)
    }
    switch received {
    case -2: return .nothing
    case 0: return .ended
    case let count where count > 0: return .bytes(Array(buffer.prefix(count)))
    default: throw OutboundStream.error(reason)
    }
  }
}
