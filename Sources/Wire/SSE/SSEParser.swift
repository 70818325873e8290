/// How an event calls itself in its `event` field.
public enum SSEEventName: UInt8, BitwiseCopyable, Sendable {
  /// No name, an empty one, or `message`.
  case message
  /// `endpoint`: the first event of the HTTP+SSE transport.
  case endpoint
  /// Any other name: not forwarded.
  case other
}

/// One event, as ranges of the buffer it was found in.
public struct SSEEvent: BitwiseCopyable, Equatable, Sendable {
  public internal(set) var name: SSEEventName = .message
  /// Number of `data` lines. Zero: nothing is dispatched, the block only set an id or a retry time.
  public internal(set) var dataLines: UInt32 = 0
  /// The value of the last `data` line; with `dataLines` 1 that is the event's data. See `SSEParser.joinData`.
  public internal(set) var data: ByteRange = .empty
  /// The event's whole block, from its first line to its blank line.
  public internal(set) var block: ByteRange = .empty
  /// The value of the last valid `id` field.
  public internal(set) var id: ByteRange = .empty
  /// Whether there was a valid `id` field (its value may be empty).
  public internal(set) var hasID = false
  /// Whether there was a valid `retry` field.
  public internal(set) var hasRetry = false
  /// Its value in milliseconds.
  public internal(set) var retryMilliseconds: UInt32 = 0
}

/// What the parser made of the bytes.
public enum SSEStep: BitwiseCopyable, Equatable, Sendable {
  case event(SSEEvent)
  /// No further event in the bytes so far: call again with more.
  case needMore
  /// An event is larger than the limit: fail closed.
  case tooLarge
}

/// Reads an event stream (WHATWG HTML §9.2.6) from one contiguous buffer that grows at its end and is cut at its front.
///
/// Example: `: hello\n\nid: 7\r\ndata: {"a":\rdata: 1}\n\n` gives one event, id `7`, two data lines that join to `{"a":`, LF,
/// `1}`. Lines end with LF, CR or CRLF; comments and unknown fields are skipped; one space after the colon is not part of a
/// value; an event that the stream's end cuts short is discarded, which a caller does by never asking again.
///
/// Protocol for the caller: append what arrives to the buffer, call `next` until `needMore`, then drop
/// `consumed` bytes from the front and tell with `dropped(_:)`. Ranges are valid until something is dropped.
public struct SSEParser: BitwiseCopyable, Sendable {
  /// Bytes of one event, from its first line to the blank line. Reached: `tooLarge`.
  public let eventBytesMax: Int
  /// Offset from which on the buffer must be kept: what lies before belongs to events already returned, or to nothing.
  public private(set) var consumed = 0

  /// Offset of the current line.
  private var lineStart = 0
  /// Offset up to which the current line was searched for its end.
  private var scanned = 0
  /// Whether the first bytes were looked at for a byte order mark.
  private var isPastStart = false
  /// Whether the last line ended with a carriage return, so that a line feed here still belongs to it.
  private var mayPairFeed = false
  /// Whether the current block has a line with a known field.
  private var hasFields = false
  private var event = SSEEvent()

  /// - Parameter eventBytesMax: at most 2 GiB; the default is what MCP gateways take from a server.
  public init(eventBytesMax: Int = 4 * 1024 * 1024) {
    precondition(eventBytesMax > 0 && eventBytesMax <= Int(Int32.max))
    self.eventBytesMax = eventBytesMax
  }

  /// Whether the stream may end here without cutting an event short.
  public var isBetweenEvents: Bool { !hasFields && scanned == lineStart }

  /// Returns the next event that `bytes`, the whole buffer, holds.
  public mutating func next(_ bytes: RawSpan) -> SSEStep {
    guard skipByteOrderMark(bytes) else { return .needMore }
    while true {
      if mayPairFeed && lineStart < bytes.byteCount { skipPairedFeed(bytes) }
      let end = Self.lineEnd(bytes, from: scanned)
      guard end < bytes.byteCount else {
        scanned = end
        return scanned - consumed > eventBytesMax ? .tooLarge : .needMore
      }
      let line = lineStart..<end
      mayPairFeed = bytes[byte: end] == 0x0d
      lineStart = end + 1
      scanned = lineStart
      if lineStart - consumed > eventBytesMax && hasFields { return .tooLarge }
      if line.isEmpty {
        if let finished = finishBlock() { return .event(finished) }
      } else {
        field(bytes, line)
        // A comment before the first field belongs to no event and need not be kept.
        if !hasFields { consumed = lineStart }
      }
    }
  }

  /// Tells that the buffer's first `count` bytes, at most `consumed`, were dropped and all offsets moved.
  public mutating func dropped(_ count: Int) {
    precondition(count >= 0 && count <= consumed)
    consumed -= count
    lineStart -= count
    scanned -= count
    // Ranges of a block that has begun lie behind `consumed`.
    guard hasFields else { return }
    if event.dataLines > 0 { event.data.offset -= UInt32(count) }
    if event.hasID { event.id.offset -= UInt32(count) }
  }

  /// Passes a byte order mark at the very start. Returns false while too few bytes are there to tell.
  private mutating func skipByteOrderMark(_ bytes: RawSpan) -> Bool {
    if isPastStart { return true }
    let mark: InlineArray<3, UInt8> = [0xef, 0xbb, 0xbf]
    for index in 0..<3 {
      guard index < bytes.byteCount else { return false }
      guard bytes[byte: index] == mark[index] else {
        isPastStart = true
        return true
      }
    }
    isPastStart = true
    lineStart = 3
    scanned = 3
    consumed = 3
    return true
  }

  /// A line feed right behind a carriage return is part of the same line end. Only called once that line has been
  /// taken, since whether a block has begun decides what may be dropped.
  private mutating func skipPairedFeed(_ bytes: RawSpan) {
    mayPairFeed = false
    guard bytes[byte: lineStart] == 0x0a else { return }
    lineStart += 1
    scanned = lineStart
    if !hasFields { consumed = lineStart }
  }

  /// Takes one line that is not empty.
  private mutating func field(_ bytes: RawSpan, _ line: Range<Int>) {
    let (name, value) = Self.split(bytes, line)
    if Self.equals(bytes, name, "data") {
      event.dataLines += 1
      event.data = ByteRange(value)
    } else if Self.equals(bytes, name, "event") {
      event.name = Self.eventName(bytes, value)
    } else if Self.equals(bytes, name, "id") {
      guard !Self.hasNUL(bytes, value) else { return }
      event.hasID = true
      event.id = ByteRange(value)
    } else if Self.equals(bytes, name, "retry") {
      guard let milliseconds = Self.decimal(bytes, value) else { return }
      event.hasRetry = true
      event.retryMilliseconds = milliseconds
    } else {
      return
    }
    hasFields = true
  }

  /// Takes the blank line: hands out the event, if the block had one, and begins the next block.
  private mutating func finishBlock() -> SSEEvent? {
    defer {
      event = SSEEvent()
      hasFields = false
      consumed = lineStart
    }
    guard hasFields else { return nil }
    event.block = ByteRange(consumed..<lineStart)
    return event
  }

  /// Writes the event's data, several lines joined with a line feed each, as WHATWG says.
  public static func joinData(
    of event: SSEEvent, in bytes: RawSpan, into out: inout ByteWriter
  ) {
    guard event.dataLines > 1 else { return out.append(bytes, event.data) }
    let end = Int(event.block.end)
    var start = Int(event.block.offset)
    var isFirst = true
    while start < end {
      let lineEnd = min(Self.lineEnd(bytes, from: start), end)
      if let value = dataValue(bytes, start..<lineEnd) {
        if !isFirst { out.append(0x0a) }
        isFirst = false
        out.append(bytes.extracting(value))
      }
      start = lineEnd + 1
    }
  }
}
