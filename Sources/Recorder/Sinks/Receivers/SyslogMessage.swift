internal import Audit
internal import Glibc

/// Makes syslog messages of events: RFC 5424, framed by octet counting (RFC 6587 §3.4.1, RFC 5425 §4.3).
///
///     361 <108>1 2026-11-26T10:00:00.123Z gw1 sluice 4711 block [sluice@32473 seq="17" ref="02fx…" …] {"schema":…}
///
/// Structured data has what a rule in a SIEM is likely to ask for; the message is the whole event as JSON, in ASCII, so that no
/// byte order mark is needed (§6.4).
struct SyslogMessage {
  let settings: SyslogSettings
  let gateway: String
  let contents: Bool
  private let host: String
  private let process: String

  init(_ settings: SyslogSettings, gateway: String, contents: Bool) {
    self.settings = settings
    self.gateway = gateway
    self.contents = contents
    host = Self.word(gateway, max: 255)
    process = String(getpid())
  }

  /// The message with its length in front, at most `messageBytesMax` (and the length) long.
  func frame(_ event: AuditEvent) -> [UInt8] {
    var message = header(event)
    message += structuredData(event)
    message.append(0x20)
    message += EventJSON.line(
      event, gateway: gateway, contents: contents,
      bytesMax: max(1, settings.messageBytesMax - message.count))
    return Array("\(message.count) ".utf8) + message
  }

  private func header(_ event: AuditEvent) -> [UInt8] {
    let priority = settings.facility * 8 + event.severity.rawValue
    let time = RecordedTime.iso(event.nanoseconds)
    let app = Self.word(settings.appName, max: 48)
    return Array("<\(priority)>1 \(time) \(host) \(app) \(process) \(event.name) ".utf8)
  }

  private func structuredData(_ event: AuditEvent) -> [UInt8] {
    var data = Array("[sluice@\(settings.enterpriseNumber)".utf8)
    func add(_ name: StaticString, _ value: String) {
      guard !value.isEmpty else { return }
      data.append(0x20)
      name.withUTF8Buffer { unsafe data.append(contentsOf: $0) }
      data += [0x3D, 0x22]
      Self.escape(value, into: &data)
      data.append(0x22)
    }
    add("id", event.id)
    add("seq", String(event.sequence))
    if case .call(let call) = event.content {
      add("principal", call.principal)
      add("server", call.server)
      add("method", call.method)
      add("tool", call.tool)
      add("decision", event.name)
      add("rule", call.rule)
      add("approval", call.approval)
      add("policy", CallPage.hexadecimal(call.policyRevision))
      add("result", call.outcome.map { $0.result.text } ?? "interrupted")
      if let masked = call.outcome?.maskedValues, masked > 0 { add("masked", String(masked)) }
    }
    data.append(0x5D)
    return data
  }

  /// Longest value in structured data; the message has all.
  private static let valueBytesMax = 128

  /// PARAM-VALUE (§6.3.3): UTF-8 with `"`, `\` and `]` escaped; what could disturb a terminal or a line is spelled out.
  static func escape(_ value: String, into data: inout [UInt8]) {
    var value = SafeText.line(value)
    if value.utf8.count > valueBytesMax {
      value = String(decoding: value.utf8.prefix(valueBytesMax), as: UTF8.self) + "…"
    }
    for byte in value.utf8 {
      if byte == 0x22 || byte == 0x5C || byte == 0x5D { data.append(0x5C) }
      data.append(byte)
    }
  }

  /// A field of the header (§6.2): printable ASCII without spaces, "-" for nothing.
  static func word(_ text: String, max: Int) -> String {
    let bytes = text.utf8.filter { $0 > 0x20 && $0 < 0x7F }.prefix(max)
    return bytes.isEmpty ? "-" : String(decoding: bytes, as: UTF8.self)
  }
}
