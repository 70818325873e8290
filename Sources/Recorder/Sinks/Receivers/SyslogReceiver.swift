internal import Audit
internal import Outbound

/// Sends syslog messages over a TCP or TLS connection.
///
/// Syslog has no acknowledgement. What is known is that bytes have arrived at the receiver's system (TCP's own
/// acknowledgement), and that the connection has not broken since. So events count as taken once they have arrived and the
/// connection has lived on for a while; when it breaks before, they are sent again. What a receiver reads and then loses
/// nobody can tell: where that matters, use a webhook.
final class SyslogReceiver: SinkReceiver {
  private let settings: SyslogSettings
  private let message: SyslogMessage
  private let settleNanoseconds: UInt64
  private var stream: OutboundStream?
  private(set) var handedOver: UInt64 = 0
  private var takenBytes: UInt64 = 0
  /// Bytes that have arrived, and when that was first seen.
  private var arrivals: [(bytes: UInt64, nanoseconds: UInt64)] = []

  private static let sendMilliseconds = 10_000
  private static let bufferBytes = 256 << 10

  init(_ settings: SyslogSettings, gateway: String, contents: Bool, settleNanoseconds: UInt64) {
    self.settings = settings
    self.settleNanoseconds = settleNanoseconds
    message = SyslogMessage(settings, gateway: gateway, contents: contents)
  }

  func connect() throws(SinkError) {
    let tls = settings.tls.map {
      OutboundTLS(authorities: $0.authorities, certificate: $0.certificate, key: $0.key?.bytes)
    }
    do throws(OutboundError) {
      stream = try OutboundStream(host: settings.host, port: settings.port, tls: tls)
    } catch {
      throw SinkError("cannot connect: \(error)")
    }
  }

  func deliver(_ events: [AuditEvent]) throws(SinkError) {
    try check()
    var buffer: [UInt8] = []
    for event in events {
      buffer += message.frame(event)
      if buffer.count >= Self.bufferBytes {
        try send(buffer)
        buffer.removeAll(keepingCapacity: true)
      }
    }
    try send(buffer)
  }

  private func send(_ bytes: [UInt8]) throws(SinkError) {
    guard let stream else { throw SinkError("not connected") }
    var rest = bytes[...]
    while !rest.isEmpty {
      let sent: Int
      do throws(OutboundError) {
        sent = try stream.send(rest, milliseconds: Self.sendMilliseconds)
      } catch {
        throw SinkError("the connection broke: \(error)")
      }
      guard sent > 0 else {
        throw SinkError("the receiver has taken nothing for \(Self.sendMilliseconds / 1000) s")
      }
      handedOver += UInt64(sent)
      rest = rest.dropFirst(sent)
    }
  }

  /// Receivers say nothing; when the connection can be read from, that is its end.
  func check() throws(SinkError) {
    guard let stream else { throw SinkError("not connected") }
    do throws(OutboundError) {
      if try stream.receive(upTo: 4096, milliseconds: 0) == .ended {
        throw OutboundError("the receiver ended the connection")
      }
    } catch {
      throw SinkError("\(error)")
    }
  }

  func taken() -> UInt64 {
    guard let stream else { return takenBytes }
    let now = MonotonicClock.nanoseconds
    // With TLS the bytes that wait are more than those they carry, so this never counts too many as arrived.
    let waiting = UInt64(max(0, stream.unacknowledgedBytes ?? Int.max))
    let arrived = handedOver > waiting ? handedOver - waiting : 0
    if arrived > arrivals.last?.bytes ?? takenBytes { arrivals.append((arrived, now)) }
    while let first = arrivals.first, now >= first.nanoseconds + settleNanoseconds {
      takenBytes = first.bytes
      arrivals.removeFirst()
    }
    return takenBytes
  }
}
