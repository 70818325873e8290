/// Lays JSON out over lines by its punctuation alone. Keys keep their order, numbers and strings their spelling,
/// and doubled keys stay doubled: what is shown is what was sent. Text that is not JSON comes back nil.
enum PrettyJSON {
  static let depthMax = 200

  static func format(_ bytes: [UInt8]) -> String? {
    guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
    var printer = Printer()
    for scalar in text.unicodeScalars {
      guard printer.take(scalar) else { return nil }
    }
    return printer.finish()
  }

  private struct Printer {
    private var text = ""
    /// Closing brackets that are still to come.
    private var open: [Unicode.Scalar] = []
    private var inString = false
    private var isEscaped = false
    /// An opening bracket was just written: a closing one right after it stays on the line.
    private var isFresh = false
    private var isEmpty = true

    /// False when this cannot be JSON.
    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
      if inString {
        takeInString(scalar)
        return true
      }
      switch scalar {
      case " ", "\t", "\n", "\r": return true
      case "{", "[":
        begin()
        open.append(scalar == "{" ? "}" : "]")
        text.unicodeScalars.append(scalar)
        isFresh = true
        return open.count <= PrettyJSON.depthMax
      case "}", "]":
        guard open.popLast() == scalar else { return false }
        if !isFresh { newLine() }
        isFresh = false
        text.unicodeScalars.append(scalar)
      case ",":
        guard !open.isEmpty, !isFresh else { return false }
        text += ","
        newLine()
      case ":":
        guard open.last == "}", !isFresh else { return false }
        text += ": "
      default:
        begin()
        inString = scalar == "\""
        text.unicodeScalars.append(scalar)
      }
      return true
    }

    private mutating func takeInString(_ scalar: Unicode.Scalar) {
      text.unicodeScalars.append(scalar)
      if isEscaped {
        isEscaped = false
      } else if scalar == "\\" {
        isEscaped = true
      } else if scalar == "\"" {
        inString = false
      }
    }

    private mutating func begin() {
      isEmpty = false
      if isFresh { newLine() }
      isFresh = false
    }

    private mutating func newLine() {
      text += "\n" + String(repeating: "  ", count: open.count)
    }

    func finish() -> String? {
      guard open.isEmpty, !inString, !isEmpty, let first = text.unicodeScalars.first else {
        return nil
      }
      // A bare word is no document worth laying out.
      return first == "{" || first == "[" ? text : nil
    }
  }
}
