/// Tells the tour: headings, what is asked, what comes back, and whether that is as it should be.
struct Narrator: Sendable {
  let style: TextStyle

  func heading(_ number: Int, _ text: String) {
    Terminal.write("\n" + style.bold("\(number). \(text)"))
  }

  func say(_ text: String) { Terminal.write("   " + text) }

  func quote(_ label: String, _ text: String) {
    Terminal.write("   " + style.dim(label.padded(to: 16)) + style.blue(text))
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
