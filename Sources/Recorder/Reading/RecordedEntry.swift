internal import Audit

/// One entry, read from its bytes in the layout of `EntryFormat`. Borrowed: lives as long as the frame's bytes.
struct RecordedEntry: ~Escapable {
  let kind: EntryKind
  let bytes: RawSpan

  /// Nil when the bytes are no entry of a kind known here.
  @_lifetime(copy bytes)
  init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= EntryFormat.headerBytes,
      let kind = EntryKind(rawValue: bytes.number(at: 4, as: UInt8.self)),
      bytes.byteCount >= Self.leastBytes(of: kind, flags: bytes.number(at: 5, as: UInt8.self))
    else { return nil }
    self.kind = kind
    self.bytes = bytes
  }

  private static func leastBytes(of kind: EntryKind, flags: UInt8) -> Int {
    switch kind {
    case .padding, .filler: EntryFormat.headerBytes
    case .opening:
      EntryFormat.openingBytes
        + (flags & EntryFormat.moreTextsFlag != 0 ? EntryFormat.moreTextsBytes : 0)
    case .requestPiece, .answerPiece: EntryFormat.pieceBytes
    case .closing: EntryFormat.closingBytes
    case .gap: EntryFormat.gapBytes
    case .repair: EntryFormat.repairBytes
    case .review: EntryFormat.reviewBytes
    }
  }

  var record: RecordID { RecordID(value: bytes.number(at: 8, as: UInt64.self)) }
  var worker: Int { Int(bytes.number(at: 6, as: UInt16.self)) }

  func number<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type, at offset: Int
  ) -> Number { bytes.number(at: offset, as: type) }

  /// `count` bytes from `offset` on; fewer when the entry claims more than it has.
  func data(at offset: Int, count: Int) -> [UInt8] {
    let end = min(offset + max(0, count), bytes.byteCount)
    guard end > offset else { return [] }
    return unsafe bytes.extracting(offset..<end).withUnsafeBytes { unsafe Array($0) }
  }

  func text(at offset: Int, count: Int) -> String {
    String(decoding: data(at: offset, count: count), as: UTF8.self)
  }
}

extension RecordedCall {
  private static let fields = [
    "principal", "server", "method", "tool", "session", "rule", "request_id",
  ]

  /// Takes over what an opening entry says.
  mutating func open(_ entry: borrowing RecordedEntry, bytesMax: Int) {
    openedNanoseconds = entry.number(UInt64.self, at: 16)
    policyRevision = entry.number(UInt64.self, at: 32)
    requestBytes = Int(entry.number(UInt32.self, at: 44))
    era = RecordedEra(rawValue: entry.number(UInt8.self, at: 48)) ?? .unknown
    decision = RecordedDecision(rawValue: entry.number(UInt8.self, at: 49))
    let flags = entry.number(UInt8.self, at: 5)
    var offset = EntryFormat.openingBytes
    let hasMore = flags & EntryFormat.moreTextsFlag != 0
    if hasMore { offset += EntryFormat.moreTextsBytes }
    var texts: [String] = []
    for field in 0..<EntryFormat.openingTexts {
      let count = Int(entry.number(UInt16.self, at: 50 + 2 * field))
      texts.append(entry.text(at: offset, count: count))
      offset += count
      if flags & (1 << UInt8(field)) != 0 { cutFields.append(Self.fields[field]) }
    }
    (principal, server, method, tool) = (texts[0], texts[1], texts[2], texts[3])
    (session, rule, requestID) = (texts[4], texts[5], texts[6])
    if hasMore {
      let count = Int(entry.number(UInt16.self, at: 64))
      client = entry.text(at: offset, count: count)
      offset += count
      let approvalCount = Int(entry.number(UInt16.self, at: 66))
      approval = entry.text(at: offset, count: approvalCount)
      let cut = entry.number(UInt8.self, at: 68)
      if cut & 1 != 0 { cutFields.append("client") }
      if cut & 2 != 0 { cutFields.append("approval") }
    }
    if bytesMax > 0, let range = entry.body(.request) {
      request = entry.data(at: range.lowerBound, count: min(range.count, bytesMax))
    }
  }

  /// Takes over what became of the call's approval.
  mutating func review(_ entry: borrowing RecordedEntry) {
    let names = Int(entry.number(UInt16.self, at: 26))
    let reason = Int(entry.number(UInt16.self, at: 28))
    let start = EntryFormat.reviewBytes
    review = Review(
      state: RecordedApproval(rawValue: entry.number(UInt8.self, at: 24)) ?? .none,
      reviewers: entry.text(at: start, count: names).split(separator: "\n").map(String.init),
      reason: entry.text(at: start + names, count: reason),
      heldMicroseconds: entry.number(UInt64.self, at: 16))
  }

  /// Takes over what a closing entry says.
  mutating func close(_ entry: borrowing RecordedEntry, bytesMax: Int) {
    let result = RecordedResult(rawValue: entry.number(UInt8.self, at: 92))
    var outcome = CallOutcome(result: result ?? .transportError)
    outcome.failedSide = RecordedSide(rawValue: entry.number(UInt8.self, at: 93)) ?? .none
    outcome.isComplete = entry.number(UInt8.self, at: 5) & EntryFormat.completeFlag != 0
    outcome.serverBytes = entry.number(UInt64.self, at: 32)
    outcome.decidedMicroseconds = entry.number(UInt64.self, at: 40)
    outcome.upstreamSentMicroseconds = entry.number(UInt64.self, at: 48)
    outcome.firstByteMicroseconds = entry.number(UInt64.self, at: 56)
    outcome.doneMicroseconds = entry.number(UInt64.self, at: 64)
    outcome.errorCode = entry.number(Int32.self, at: 72)
    outcome.systemCode = entry.number(Int32.self, at: 76)
    outcome.reason = RecordedReason(rawValue: entry.number(UInt8.self, at: 20)) ?? .none
    outcome.hiddenEntries = entry.number(UInt16.self, at: 22)
    outcome.maskedValues = entry.number(UInt32.self, at: 80)
    outcome.status = entry.number(UInt16.self, at: 88)
    outcome.serverStatus = entry.number(UInt16.self, at: 90)
    self.outcome = outcome
    answerBytes = Int(clamping: entry.number(UInt64.self, at: 24))
    if entry.number(UInt8.self, at: 5) & EntryFormat.sessionFlag != 0 {
      let count = Int(entry.number(UInt16.self, at: 94))
      openedSession = entry.text(at: EntryFormat.closingBytes, count: count)
    }
    if bytesMax > 0, let range = entry.body(.answer) {
      answer += entry.data(
        at: range.lowerBound, count: min(range.count, bytesMax - answer.count))
      if answer.count != min(answerBytes, bytesMax) || request.count != min(requestBytes, bytesMax)
      {
        isWhole = false
      }
    }
  }
}
