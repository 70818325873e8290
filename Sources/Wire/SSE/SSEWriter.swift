/// Writes events in one canonical form: `event: message`, one `data` line, a blank line. No ids, no retry times.
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

  /// A comment: keeps the connection from looking idle, means nothing.
  public static func keepAlive(into out: inout ByteWriter) {
    out.append(": keep-alive\n\n")
  }
}
