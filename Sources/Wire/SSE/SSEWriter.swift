/// Writes events in one canonical form: an `id` line where there is one, `event: message`, one `data` line, a blank line.
///
/// Example: data `{"id":1}` becomes `event: message\ndata: {"id":1}\n\n`.
public enum SSEWriter {
  /// What stands before the data of a message.
  public static var messagePrefix: StaticString { "event: message\ndata: " }
  /// What stands behind it.
  public static var messageSuffix: StaticString { "\n\n" }
  /// Bytes that an event adds to its data.
  public static var messageOverheadBytes: Int { 23 }

  /// Writes one message. `json` is one JSON text: a line break in it can only stand between tokens, so it becomes a space,
  /// which keeps the event on one line and as long as it was.
  public static func message(_ json: RawSpan, into out: inout ByteWriter) {
    out.append(messagePrefix)
    data(json, into: &out)
    out.append(messageSuffix)
  }

  /// Writes a piece of a message's data, between `messagePrefix` and `messageSuffix`.
  public static func data(_ json: RawSpan, into out: inout ByteWriter) {
    var start = 0
    while true {
      let end = SSEParser.lineEnd(json, from: start)
      out.append(json.extracting(start..<end))
      guard end < json.byteCount else { return }
      out.append(0x20)
      start = end + 1
    }
  }

  /// Bytes of a line with an id, beside the id.
  public static var idOverheadBytes: Int { 5 }

  /// A line with an event's id, which holds no line break; it stands before the event's other lines.
  public static func id(_ id: RawSpan, into out: inout ByteWriter) {
    out.append("id: ")
    out.append(id)
    out.append(0x0a)
  }

  /// The most that a priming event takes, beside its id.
  public static var primingOverheadBytes: Int { 5 + 18 + 8 }

  /// An event without data, which gives nothing but an id to take the stream up from (unless it is empty) and the time to
  /// wait before that.
  public static func priming(
    id text: RawSpan, retryMilliseconds: UInt32?, into out: inout ByteWriter
  ) {
    if text.byteCount > 0 { id(text, into: &out) }
    if let retryMilliseconds {
      out.append("retry: ")
      out.append(decimal: UInt64(retryMilliseconds))
      out.append(0x0a)
    }
    out.append("data: \n\n")
  }

  /// A comment: keeps the connection from looking idle, means nothing.
  public static func keepAlive(into out: inout ByteWriter) {
    out.append(": keep-alive\n\n")
  }
}
