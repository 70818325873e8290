/// Text that agents, servers and identity providers chose, made fit for a terminal: nothing in it moves the cursor, changes
/// colours, reverses the reading direction or hides.
public enum TerminalText {
  /// For one line: line breaks and tabs are written out too.
  public static func line(_ text: String) -> String {
    block(text).replacing("\n", with: "\\n").replacing("\t", with: "\\t")
  }

  /// For several lines.
  public static func block(_ text: String) -> String {
    HostileText.segments(text, oddMax: 0).segments.map(\.text).joined()
  }

  /// At most so many characters; what is cut off ends with "…".
  public static func cut(_ text: String, to width: Int) -> String {
    text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
  }
}
