internal import Audit
internal import Foundation

/// A call, or a notice, as one line of JSON with keys in alphabetical order, in ASCII: safe on a terminal, and
/// one reading for every parser.
enum CallJSON {
  /// The members between the answer and the request.
  private struct Front: Encodable {
    var answerBytes: Int
    var approval: String?
    var client: String?
    var decision: String?
    var era: String?
    var method: String?
    var openedSession: String?
    var outcome: Outcome?
    var policyRevision: String
    var principal: String?
    var ref: String
  }

  /// Those behind the request.
  private struct Back: Encodable {
    var requestBytes: Int
    var requestId: String?
    var review: Review?
    var rule: String?
    var server: String?
    var session: String?
    var shortened: [String]?
    var time: String
    var tool: String?
    var whole: Bool
    var worker: Int
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

  /// With the bodies that the call itself holds.
  static func text(of call: RecordedCall) -> String {
    var line: [UInt8] = []
    do {
      try write(call, CallBodies(of: call)) { line += $0 }
    } catch {
      preconditionFailure("bodies that are there cannot be missing: \(error)")
    }
    return String(decoding: line, as: UTF8.self)
  }

  /// Writes the line a piece at a time.
  static func write(
    _ call: RecordedCall, _ bodies: CallBodies, to write: ([UInt8]) -> Void
  ) throws(RecorderError) {
    let front = encode(
      Front(
        answerBytes: call.answerBytes, approval: some(call.approval), client: some(call.client),
        decision: call.decision?.text, era: call.era == .unknown ? nil : "\(call.era)",
        method: some(call.method), openedSession: some(call.openedSession),
        outcome: call.outcome.map { outcome($0, call.failedSide) },
        policyRevision: CallPage.hexadecimal(call.policyRevision),
        principal: some(call.principal), ref: call.record.description))
    let back = encode(
      Back(
        requestBytes: call.requestBytes, requestId: some(call.requestID),
        review: call.review.map(Review.init), rule: some(call.rule), server: some(call.server),
        session: some(call.session),
        shortened: call.cutFields.isEmpty ? nil : call.cutFields,
        time: RecordedTime.iso(call.openedNanoseconds), tool: some(call.tool),
        whole: call.isWhole, worker: call.worker))
    write([UInt8(ascii: "{")])
    try bodies.answer.write("answer", to: write)
    write(Array(front.utf8.dropFirst().dropLast()) + [UInt8(ascii: ",")])
    try bodies.request.write("request", to: write)
    write(Array(back.utf8.dropFirst()))
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
      result: outcome.result.text,
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

  private static func some(_ text: String) -> String? { text.isEmpty ? nil : text }
  private static func some<Number: FixedWidthInteger>(_ number: Number) -> Number? {
    number == 0 ? nil : number
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
