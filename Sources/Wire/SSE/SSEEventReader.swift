/// Reads one event of a stream in pieces, cut anywhere, and hands out its data as it comes: for events that are too long to
/// be kept until they end. Same rules as `SSEParser`.
///
///     event: message\ndata: {"a":|1}\ndata: }\n\n     data `{"a":`, data `1}`, a line break, data `}`, the end
public struct SSEEventReader: BitwiseCopyable, Sendable {
  public enum Step: Equatable, Sendable {
    /// Everything was used up.
    case needMore
    /// Bytes of the event's data, never empty.
    case data(Range<Int>)
    /// Another line of data begins: a line feed belongs between.
    case lineBreak
    /// The event is called something else than `message`. What follows means nothing.
    case otherEvent
    /// The event has ended.
    case end
  }

  private enum State: UInt8 {
    case name, space, value
  }

  private enum Field: UInt8 {
    case other, data, event
  }

  private var state = State.name
  private var field = Field.other
  /// The line's field name, or the event's name, as far as it is short enough to mean something.
  private var text: InlineArray<8, UInt8> = .init(repeating: 0)
  private var textCount = 0
  private var mayPairFeed = false
  private var hasData = false

  public init() {}

  /// Reads on at `at`, which moves forward.
  public mutating func next(_ bytes: RawSpan, at: inout Int) -> Step {
    while at < bytes.byteCount {
      let byte = bytes[byte: at]
      if mayPairFeed {
        mayPairFeed = false
        if byte == 0x0A {
          at += 1
          continue
        }
      }
      switch state {
      case .name:
        if byte == 0x0A || byte == 0x0D {
          at += 1
          mayPairFeed = byte == 0x0D
          if textCount == 0 { return .end }
          // A line that is all name has an empty value.
          nameEnded()
          if let step = valueBegins() {
            _ = lineEnded()
            return step
          }
          if let step = lineEnded() { return step }
        } else if byte == 0x3A {
          at += 1
          nameEnded()
          state = .space
          if let step = valueBegins() { return step }
        } else {
          at += 1
          keep(byte)
        }
      case .space:
        state = .value
        if byte == 0x20 { at += 1 }
      case .value:
        if byte == 0x0A || byte == 0x0D {
          at += 1
          mayPairFeed = byte == 0x0D
          if let step = lineEnded() { return step }
        } else if field == .data {
          let start = at
          at = SSEParser.lineEnd(bytes, from: start)
          return .data(start..<at)
        } else if field == .event {
          at += 1
          keep(byte)
        } else {
          at = SSEParser.lineEnd(bytes, from: at)
        }
      }
    }
    return .needMore
  }

  private mutating func keep(_ byte: UInt8) {
    if textCount < 8 { text[textCount] = byte }
    textCount = min(textCount + 1, 9)
  }

  private func isText(_ wanted: StaticString) -> Bool {
    guard textCount == wanted.utf8CodeUnitCount else { return false }
    for offset in 0..<textCount where unsafe text[offset] != wanted.utf8Start[offset] {
      return false
    }
    return true
  }

  private mutating func nameEnded() {
    field = isText("data") ? .data : isText("event") ? .event : .other
    textCount = 0
  }

  private mutating func valueBegins() -> Step? {
    guard field == .data else { return nil }
    defer { hasData = true }
    return hasData ? .lineBreak : nil
  }

  private mutating func lineEnded() -> Step? {
    state = .name
    defer { textCount = 0 }
    if field == .event, textCount > 0, !isText("message") { return .otherEvent }
    return nil
  }
}
