internal import Audit
internal import Foundation

/// A call, or a notice, as one line of JSON with keys in alphabetical order, in ASCII: safe on a terminal, and
/// one reading for every parser.
enum CallJSON {
  private struct Line: Encodable {
    var ref: String
    var time: String
    var worker: Int
    var principal: String?
    var server: String?
    var method: String?
    var tool: String?
    var session: String?
    var rule: String?
    var request_id: String?
    var decision: String?
    var policy_revision: String
    var era: String?
    var shortened: [String]?
    var request_bytes: Int
    var request: String?
    var request_base64: String?
    var answer_bytes: Int
    var answer: String?
    var answer_base64: String?
    var whole: Bool
    var outcome: Outcome?
  }

  private struct Outcome: Encodable {
    var result: String
    var failed_side: String?
    var http_status: UInt16?
    var server_http_status: UInt16?
    var jsonrpc_error: Int32?
    var system_error: Int32?
    var masked_values: UInt32
    var complete: Bool
    var server_bytes: UInt64
    var decided_us: UInt64
    var upstream_sent_us: UInt64?
    var first_byte_us: UInt64?
    var done_us: UInt64
  }

  private struct Notice: Encodable {
    var notice: String
    var time: String
    var worker: Int?
    var drops: UInt64?
    var drops_in_all: UInt64?
    var segment: String?
    var offset: UInt64?
    var bytes_cut: UInt64?
    var damage: Bool?
    var sha256: String?
  }

  static func text(of call: RecordedCall) -> String {
    let request = body(call.request)
    let answer = body(call.answer)
    return encode(
      Line(
        ref: call.record.description, time: RecordedTime.iso(call.openedNanoseconds),
        worker: call.worker, principal: some(call.principal), server: some(call.server),
        method: some(call.method), tool: some(call.tool), session: some(call.session),
        rule: some(call.rule), request_id: some(call.requestID),
        decision: call.decision.map(CallLine.text),
        policy_revision: CallPage.hexadecimal(call.policyRevision),
        era: call.era == .unknown ? nil : "\(call.era)",
        shortened: call.cutFields.isEmpty ? nil : call.cutFields,
        request_bytes: call.requestBytes, request: request.text, request_base64: request.base64,
        answer_bytes: call.answerBytes, answer: answer.text, answer_base64: answer.base64,
        whole: call.isWhole, outcome: call.outcome.map(outcome)))
  }

  static func text(of notice: RecordedNotice) -> String {
    switch notice {
    case .gap(let worker, let drops, let all, let time):
      return encode(
        Notice(
          notice: "gap", time: RecordedTime.iso(time), worker: worker, drops: drops,
          drops_in_all: all))
    case .repair(let segment, let offset, let bytes, let isDamage, let hash, let time):
      return encode(
        Notice(
          notice: "repair", time: RecordedTime.iso(time), segment: SegmentFormat.name(of: segment),
          offset: offset, bytes_cut: bytes, damage: isDamage, sha256: hash))
    }
  }

  static func text(ofWarning warning: String) -> String { encode(["warning": warning]) }

  private static func outcome(_ outcome: CallOutcome) -> Outcome {
    Outcome(
      result: name(of: outcome.result),
      failed_side: outcome.failedSide == .none ? nil : CallLine.text(of: outcome.failedSide),
      http_status: some(outcome.status), server_http_status: some(outcome.serverStatus),
      jsonrpc_error: some(outcome.errorCode), system_error: some(outcome.systemCode),
      masked_values: outcome.maskedValues, complete: outcome.isComplete,
      server_bytes: outcome.serverBytes, decided_us: outcome.decidedMicroseconds,
      upstream_sent_us: some(outcome.upstreamSentMicroseconds),
      first_byte_us: some(outcome.firstByteMicroseconds), done_us: outcome.doneMicroseconds)
  }

  private static func name(of result: RecordedResult) -> String {
    switch result {
    case .success: "success"
    case .toolError: "tool_error"
    case .protocolError: "protocol_error"
    case .httpError: "http_error"
    case .transportError: "transport_error"
    case .refused: "refused"
    case .cancelled: "cancelled"
    }
  }

  private static func some(_ text: String) -> String? { text.isEmpty ? nil : text }
  private static func some<Number: FixedWidthInteger>(_ number: Number) -> Number? {
    number == 0 ? nil : number
  }

  /// Bytes as text when they are text, in base 64 when not.
  private static func body(_ bytes: [UInt8]) -> (text: String?, base64: String?) {
    if bytes.isEmpty { return (nil, nil) }
    if let text = String(validating: bytes, as: UTF8.self) { return (text, nil) }
    return (nil, Data(bytes).base64EncodedString())
  }

  private static func encode(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Strings, numbers and booleans only: encoding them cannot fail.
    guard let data = try? encoder.encode(value) else {
      preconditionFailure("a line does not encode")
    }
    var line = ""
    for scalar in String(decoding: data, as: UTF8.self).unicodeScalars {
      if scalar.isASCII {
        line.unicodeScalars.append(scalar)
      } else {
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      }
    }
    return line
  }
}
