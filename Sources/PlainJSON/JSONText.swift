/// Texts as JSON strings (RFC 8259 §7).
public enum JSONText {
  /// The text between quotes: quotation marks, backslashes and control characters escaped, everything else as it is.
  ///
  ///     JSONText.quoted("say \"hé\"\n")  ->  "say \"hé\"\n"   with the escapes written out
  public static func quoted(_ text: String) -> String {
    var quoted = "\""
    quoted.reserveCapacity(text.utf8.count + 2)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
