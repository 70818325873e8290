import Policy

/// A line of the file with a caret under the place an issue is about.
///
/// What may be a secret is not shown, even where the issue is about something else on the same
/// line: errors end up in logs and chat rooms.
///
///        12 |     credential: { header: X-Key, value: … }
///           |                   ^
struct Excerpt {
  /// Longest piece of a line that is shown, in characters.
  static let widthMax = 120

  /// Longer lines are not shown at all: nobody wrote them by hand.
  static let lineBytesMax = 4096

  let text: String

  /// Nil when the position lies behind the file's end, or the line is too long to be shown.
  init?(of source: SourceText, at position: SourcePosition) {
    guard source.lines.indices.contains(position.line - 1),
      source.lines[position.line - 1].utf8.count <= Self.lineBytesMax
    else { return nil }
    let line = Self.withoutSecrets(String(source.lines[position.line - 1]))
    var characters = Array(line.unicodeScalars)
    var caret = min(position.column - 1, characters.count)
    var ellipsis = ""
    if characters.count > Self.widthMax {
      let start = max(0, min(caret - Self.widthMax / 2, characters.count - Self.widthMax))
      characters = Array(characters[start..<min(characters.count, start + Self.widthMax)])
      caret -= start
      ellipsis = start > 0 ? "…" : ""
    }
    let shown = String(
      String.UnicodeScalarView(
        characters.map { $0.properties.generalCategory == .control && $0 != "\t" ? "\u{FFFD}" : $0 }
      ))
    // A tab before the caret stays a tab, so that the caret lines up whatever its width.
    let padding = characters.prefix(caret).map { $0 == "\t" ? "\t" : " " }.joined()
    let number = String(position.line)
    let gutter = String(repeating: " ", count: max(0, 5 - number.count)) + number
    text = """
      \(gutter) | \(ellipsis)\(shown)
      \(String(repeating: " ", count: gutter.count)) | \(ellipsis.isEmpty ? "" : " ")\(padding)^
      """
  }

  /// Words in keys whose values nobody should read.
  private static let secretWords = [
    "value", "token", "secret", "password", "passwd", "key", "authorization", "bearer", "cookie",
    "auth", "pass",
  ]

  /// The line with everything that may be a secret replaced by an ellipsis: the user part and the
  /// query of an address, an API key of ours, and whatever follows a key that sounds like a
  /// secret's and is no reference to one.
  static func withoutSecrets(_ line: String) -> String {
    var line = line
    if let scheme = line.firstRange(of: "://"),
      let at = line[scheme.upperBound...].firstIndex(of: "@")
    {
      line.replaceSubrange(scheme.upperBound..<at, with: "…")
    }
    if let scheme = line.firstRange(of: "://"),
      let query = line[scheme.upperBound...].firstIndex(of: "?")
    {
      return line[...query] + "…"
    }
    if let scheme = line.firstMatch(of: /(?i)\b(bearer|basic) +/) {
      return line[..<scheme.range.upperBound] + "…"
    }
    if let key = line.firstRange(of: "sluice_") {
      let end =
        line[key.upperBound...].firstIndex { !($0.isLetter || $0.isNumber || "-_".contains($0)) }
        ?? line.endIndex
      line.replaceSubrange(key.upperBound..<end, with: "…")
    }
    var start = line.startIndex
    while let colon = line[start...].firstIndex(of: ":") {
      let key = line[start..<colon].lowercased().reversed().prefix {
        $0.isLetter || $0.isNumber || "_-\"' ".contains($0)
      }
      let rest = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\"" || $0 == "'" }
      let isReference = ["env:", "file:"].contains { rest.hasPrefix($0) }
      if secretWords.contains(where: { String(key.reversed()).contains($0) }), !rest.isEmpty,
        !isReference,
        rest.startIndex > line.index(after: colon)
      {
        return line[...colon] + " …"
      }
      start = line.index(after: colon)
    }
    return line
  }
}
