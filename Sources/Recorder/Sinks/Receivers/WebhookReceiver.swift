internal import COpenSSL
internal import Foundation
internal import Outbound

/// Posts batches of events. The receiver has taken a batch when it answers with a status of 200 to 299; anything else is
/// tried again, for ever, since events are not for throwing away.
///
///     POST /audit
///     Content-Type: application/json
///     Sluice-Timestamp: 1795651200
///     Sluice-Signature: v1=<HMAC-SHA256 over "1795651200." and the body, in hexadecimal>
///     Idempotency-Key: <sink>:<first sequence>-<last sequence>
///
///     {"sink":"siem","events":[{…},{…}]}
final class WebhookReceiver: SinkReceiver {
  private let settings: WebhookSettings
  private let sink: String
  private let gateway: String
  private let contents: Bool
  /// Smaller after the receiver found a batch too large.
  private var batch: Int
  private(set) var handedOver: UInt64 = 0

  private static let eventBytesMax = 1 << 20
  private static let bodyBytesMax = 4 << 20

  init(_ settings: WebhookSettings, sink: String, gateway: String, contents: Bool) {
    self.settings = settings
    self.sink = sink
    self.gateway = gateway
    self.contents = contents
    batch = max(1, settings.batch)
  }

  func connect() throws(SinkError) {}
  func taken() -> UInt64 { handedOver }

  func deliver(_ events: [AuditEvent]) throws(SinkError) {
    var rest = events[...]
    while !rest.isEmpty {
      var body = Array("{\"sink\":\"\(sink)\",\"events\":[".utf8)
      var count = 0
      for event in rest.prefix(batch) {
        let line = EventJSON.line(
          event, gateway: gateway, contents: contents, bytesMax: Self.eventBytesMax)
        if count > 0, body.count + line.count > Self.bodyBytesMax { break }
        if count > 0 { body.append(0x2C) }
        body += line
        count += 1
      }
      body += [0x5D, 0x7D]
      let sent = rest.prefix(count)
      if try post(body, sent) {
        rest = rest.dropFirst(count)
        handedOver += UInt64(count)
      }
    }
  }

  /// False when the batch must be smaller.
  private func post(_ body: [UInt8], _ events: ArraySlice<AuditEvent>) throws(SinkError) -> Bool {
    let timestamp = String(Int(Date().timeIntervalSince1970))
    var request = OutboundRequest("POST", url: settings.url)
    request.body = body
    request.authorities = settings.authorities
    request.fields = [
      ("Content-Type", "application/json"), ("User-Agent", "sluice"),
      ("Sluice-Timestamp", timestamp),
      (
        "Sluice-Signature",
        "v1=" + Self.signature(timestamp: timestamp, body: body, secret: settings.secret)
      ),
      (
        "Idempotency-Key",
        "\(sink):\(events.first?.sequence ?? 0)-\(events.last?.sequence ?? 0)"
      ),
    ]
    let answer: OutboundAnswer
    do throws(OutboundError) {
      answer = try request.blockingExchange()
    } catch {
      throw SinkError("\(error)")
    }
    if (200..<300).contains(answer.status) { return true }
    if answer.status == 413, events.count > 1 {
      batch = max(1, events.count / 2)
      return false
    }
    let seconds = answer.field("retry-after").flatMap { Int($0) }.map { min(max(0, $0), 3600) }
    throw SinkError(
      "the receiver answered with status \(answer.status)",
      retryMilliseconds: seconds.map { $0 * 1000 })
  }

  /// HMAC-SHA256 (RFC 2104) over the timestamp, a full stop and the body, in hexadecimal. The timestamp is signed so that a
  /// receiver can refuse what somebody recorded and sends again much later.
  static func signature(timestamp: String, body: [UInt8], secret: SinkSecret) -> String {
    let message = Array(timestamp.utf8) + [0x2E] + body
    var code = [UInt8](repeating: 0, count: 32)
    let done = unsafe secret.bytes.withUnsafeBytes { key in
      unsafe message.withUnsafeBytes { message in
        unsafe code.withUnsafeMutableBytes { code in
          unsafe sluice_hmac_sha256(
            key.baseAddress, key.count, message.baseAddress, message.count,
            code.baseAddress!.assumingMemoryBound(to: UInt8.self))
        }
      }
    }
    precondition(done == 1, "OpenSSL provides no HMAC")
    return code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
