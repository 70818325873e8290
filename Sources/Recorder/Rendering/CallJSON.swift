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
    var openedSession: String?
    var client: String?
    var approval: String?
    var rule: String?
    var requestId: String?
    var decision: String?
    var review: Review?
    var policyRevision: String
    var era: String?
    var shortened: [String]?
    var requestBytes: Int
    var request: String?
    var requestBase64: String?
    var answerBytes: Int
    var answer: String?
    var answerBase64: String?
    var whole: Bool
    var outcome: Outcome?
  }

  private struct Review: Encodable {
    var state: String
    var reviewers: [String]?
    var reason: String?
    var heldMicroseconds: UInt64

    init(_ review: RecordedCall.Review) {
      state = "\(review.state)"
      reviewers = review.reviewers.isEmpty ? nil : review.reviewers
      reason = CallJSON.some(review.reason)
      heldMicroseconds = review.heldMicroseconds
    }
  }

  private struct Outcome: Encodable {
    var result: String
    var failedSide: String?
    var httpStatus: UInt16?
    var serverHttpStatus: UInt16?
    var jsonrpcError: Int32?
    var systemError: Int32?
    var reason: String?
    var maskedValues: UInt32
    var hiddenEntries: UInt16?
    var complete: Bool
    var serverBytes: UInt64
    var decidedMicroseconds: UInt64
    var upstreamSentMicroseconds: UInt64?
    var firstByteMicroseconds: UInt64?
    var doneMicroseconds: UInt64
  }

  private struct Notice: Encodable {
    var notice: String
    var time: String
    var worker: Int?
    var drops: UInt64?
    var dropsInAll: UInt64?
    var segment: String?
    var offset: UInt64?
    var bytesCut: UInt64?
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
        openedSession: some(call.openedSession), client: some(call.client),
        approval: some(call.approval),
        rule: some(call.rule), requestId: some(call.requestID),
        decision: call.decision?.text, review: call.review.map(Review.init),
        policyRevision: CallPage.hexadecimal(call.policyRevision),
        era: call.era == .unknown ? nil : "\(call.era)",
        shortened: call.cutFields.isEmpty ? nil : call.cutFields,
        requestBytes: call.requestBytes, request: request.text, requestBase64: request.base64,
        answerBytes: call.answerBytes, answer: answer.text, answerBase64: answer.base64,
        whole: call.isWhole, outcome: call.outcome.map { outcome($0, call.failedSide) }))
  }

  static func text(of notice: RecordedNotice) -> String {
    switch notice {
    case .gap(let worker, let drops, let all, let time):
      return encode(
        Notice(
          notice: "gap", time: RecordedTime.iso(time), worker: worker, drops: drops,
          dropsInAll: all))
    case .repair(let segment, let offset, let bytes, let isDamage, let hash, let time):
      return encode(
        Notice(
          notice: "repair", time: RecordedTime.iso(time), segment: SegmentFormat.name(of: segment),
          offset: offset, bytesCut: bytes, damage: isDamage, sha256: hash))
    }
  }

  static func text(ofWarning warning: String) -> String { encode(["warning": warning]) }

  private static func outcome(_ outcome: CallOutcome, _ failedSide: RecordedSide) -> Outcome {
    Outcome(
      result: name(of: outcome.result),
      failedSide: failedSide == .none ? nil : failedSide.text,
      httpStatus: some(outcome.status), serverHttpStatus: some(outcome.serverStatus),
      jsonrpcError: some(outcome.errorCode), systemError: some(outcome.systemCode),
      reason: some(outcome.reason.text),
      maskedValues: outcome.maskedValues, hiddenEntries: some(outcome.hiddenEntries),
      complete: outcome.isComplete,
      serverBytes: outcome.serverBytes, decidedMicroseconds: outcome.decidedMicroseconds,
      upstreamSentMicroseconds: some(outcome.upstreamSentMicroseconds),
      firstByteMicroseconds: some(outcome.firstByteMicroseconds),
      doneMicroseconds: outcome.doneMicroseconds)
  }

  static func name(of result: RecordedResult) -> String {
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
    encoder.keyEncodingStrategy = .convertToSnakeCase
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
