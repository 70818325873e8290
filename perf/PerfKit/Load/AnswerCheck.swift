/// Whether an answer is the right one, as cheaply as that can be told.
struct AnswerCheck: Sendable {
  private let toolError = Needle(#""isError""#)
  private let absent: [Needle]
  private let present: [Needle]

  init(_ settings: LoadSettings) {
    absent = settings.expectAbsent.map { Needle($0) }
    present = settings.expectPresent.map { Needle($0) }
  }

  /// What is wrong with this complete body; nil when nothing is.
  func fault(in bytes: RawSpan, body: Range<Int>, isEventStream: Bool, id: UInt64) -> LoadErrorKind?
  {
    let plain = bytes.extracting(body)
    // First of all: whatever else is wrong with an answer, this text must not be in it.
    for needle in absent where needle.first(in: plain) != nil { return .forbiddenText }
    guard let message = isEventStream ? lastEvent(plain, id) : single(plain, id) else {
      return .wrongAnswer
    }
    if message.error >= 0 { return .jsonRPCError }
    guard message.result >= 0 else { return .wrongAnswer }
    if isToolError(plain, from: message.result) { return .toolError }
    for needle in present where needle.first(in: plain) == nil { return .missingText }
    return nil
  }

  private func single(_ bytes: RawSpan, _ id: UInt64) -> EnvelopeScan? {
    guard let message = EnvelopeScan(bytes, from: 0, to: bytes.byteCount),
      carries(id, message, bytes)
    else { return nil }
    return message
  }

  /// The answer among the events of a stream; notifications come before it.
  private func lastEvent(_ bytes: RawSpan, _ id: UInt64) -> EnvelopeScan? {
    var start = 0
    while start < bytes.byteCount {
      let end = ByteSearch.first(0x0A, in: bytes, from: start) ?? bytes.byteCount
      if ByteSearch.equals("data:", in: bytes, from: start, to: start + 5),
        let message = EnvelopeScan(bytes, from: start + 5, to: end), message.method.isEmpty,
        carries(id, message, bytes)
      {
        return message
      }
      start = end + 1
    }
    return nil
  }

  private func carries(_ id: UInt64, _ message: EnvelopeScan, _ bytes: RawSpan) -> Bool {
    ByteSearch.decimal(in: bytes, from: message.id.lowerBound, to: message.id.upperBound)
      == Int(id)
  }

  private func isColonOrSpace(_ byte: UInt8) -> Bool { byte == 0x3A || byte == 0x20 }

  /// Looks for `"isError": true`. Inside of strings the quotes would be escaped.
  private func isToolError(_ bytes: RawSpan, from start: Int) -> Bool {
    var place = start
    while let hit = toolError.first(in: bytes, from: place) {
      place = hit + toolError.text.count
      while place < bytes.byteCount, isColonOrSpace(bytes.byte(place)) { place += 1 }
      if place < bytes.byteCount, bytes.byte(place) == 0x74 { return true }
    }
    return false
  }
}
