internal import Mustache

/// Text that agents, servers and identity providers chose, made fit for a page: it can begin no markup, leave no attribute,
/// reverse no reading direction, and hide nothing.
///
/// By scalars and not by characters: in `"` followed by a combining mark, Swift sees one character that is no quotation
/// mark, while a browser sees the quotation mark.
enum HostileText {
  /// Escapes markup, and writes what cannot be seen as `\u{…}`. Line feeds and tabs stay.
  static func escaped(_ text: String) -> String {
    var page = ""
    page.reserveCapacity(text.utf8.count + 32)
    var marks = MarkCounter()
    for scalar in text.unicodeScalars {
      if marks.isOdd(scalar) {
        page += visible(scalar)
        continue
      }
      switch scalar {
      case "&": page += "&amp;"
      case "<": page += "&lt;"
      case ">": page += "&gt;"
      case "\"": page += "&quot;"
      case "'": page += "&#39;"
      default: page.unicodeScalars.append(scalar)
      }
    }
    return page
  }

  /// A stretch of text, and whether it is the name of something that cannot be seen.
  struct Segment: Equatable {
    var text: String
    var isOdd: Bool
  }

  /// The text cut where something cannot be seen, for marking it. After `oddMax` of them the rest is one stretch, in which
  /// they are still written out.
  static func segments(_ text: String, oddMax: Int = 200) -> (segments: [Segment], odd: Int) {
    var segments: [Segment] = []
    var plain = ""
    var odd = 0
    var marks = MarkCounter()
    for scalar in text.unicodeScalars {
      guard marks.isOdd(scalar) else {
        plain.unicodeScalars.append(scalar)
        continue
      }
      odd += 1
      guard odd <= oddMax else {
        plain += visible(scalar)
        continue
      }
      if !plain.isEmpty { segments.append(Segment(text: plain, isOdd: false)) }
      plain = ""
      segments.append(Segment(text: visible(scalar), isOdd: true))
    }
    if !plain.isEmpty { segments.append(Segment(text: plain, isOdd: false)) }
    return (segments, odd)
  }

  private static func visible(_ scalar: Unicode.Scalar) -> String {
    "\\u{" + String(scalar.value, radix: 16) + "}"
  }
}

/// Decides scalar by scalar what cannot be seen. Combining marks belong to many scripts, so two after a letter are well;
/// stacks of them, and marks on punctuation, paint over what stands around them.
private struct MarkCounter {
  private var marks = 0
  private var follows = false

  mutating func isOdd(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value >= 0x20 && scalar.value < 0x7F || scalar == "\n" || scalar == "\t" {
      follows = scalar.properties.isAlphabetic
      marks = 0
      return false
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      return true
    case .nonspacingMark, .enclosingMark, .spacingMark:
      marks += 1
      return !follows || marks > 2 || scalar.properties.isDefaultIgnorableCodePoint
    default:
      follows = scalar.properties.isAlphabetic
      marks = 0
      // U+2800 is a braille cell without dots: a letter to Unicode, nothing to the eye.
      return scalar.properties.isDefaultIgnorableCodePoint || scalar.value == 0x2800
    }
  }
}

/// What `{{name}}` does in every template.
struct HostileTextContentType: MustacheContentType {
  static let name = "HOSTILE"

  func escapeText(_ text: String) -> String { HostileText.escaped(text) }
}
