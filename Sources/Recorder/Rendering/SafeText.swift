/// Makes text that agents and servers chose safe to print on a terminal: nothing in it can move the cursor, change
/// colours, reverse the reading direction, hide, or begin a line of its own.
enum SafeText {
  /// For one line: every control, format, separator, private and unassigned character becomes `\u{…}`.
  static func line(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text }
    var safe = ""
    safe.reserveCapacity(text.utf8.count + 16)
    for scalar in text.unicodeScalars { append(scalar, to: &safe) }
    return safe
  }

  /// For several lines: the same, but line feeds stay, and a tab becomes two spaces.
  static func block(_ text: String) -> String {
    var safe = ""
    safe.reserveCapacity(text.utf8.count + 64)
    var scalars = text.unicodeScalars.makeIterator()
    var next = scalars.next()
    while let scalar = next {
      next = scalars.next()
      switch scalar {
      case "\n": safe += "\n"
      case "\t": safe += "  "
      case "\r" where next == "\n": break
      default: append(scalar, to: &safe)
      }
    }
    return safe
  }

  private static func append(_ scalar: Unicode.Scalar, to safe: inout String) {
    if isHarmless(scalar) {
      safe.unicodeScalars.append(scalar)
    } else {
      safe += "\\u{" + String(scalar.value, radix: 16) + "}"
    }
  }

  private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value >= 0x20 && scalar.value < 0x7f { return true }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      return false
    case .nonspacingMark, .enclosingMark, .spacingMark:
      // Stacks of combining marks can paint over the lines around them.
      return false
    default:
      return !scalar.properties.isDefaultIgnorableCodePoint
    }
  }
}
