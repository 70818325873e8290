/// Tells the tour: headings, what is asked, what comes back, and whether that is as it should be.
struct Narrator: Sendable {
  let style: TextStyle

  func heading(_ number: Int, _ text: String) {
    Terminal.write("\n" + style.bold("\(number). \(text)"))
  }

  func say(_ text: String) { Terminal.write("   " + text) }

  /// A label and what was said, over as many lines as it takes.
  func quote(_ label: String, _ text: String) {
    for (index, line) in Self.wrapped(text, width: 80).enumerated() {
      Terminal.write("   " + style.dim((index == 0 ? label : "").padded(to: 16)) + style.blue(line))
    }
  }

  /// The text in lines of at most `width` characters, broken between words; a longer word has a line of its own.
  static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  func lines(_ lines: [String]) {
    for line in lines { Terminal.write("      " + line) }
  }

  func success(_ text: String) { Terminal.write("   " + style.green("✓ " + text)) }

  func failure(_ text: String) { Terminal.write("   " + style.red("✗ " + text)) }
}

extension String {
  /// This text with blanks behind it, at least `width` characters long.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
