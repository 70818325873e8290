import PlainJSON
import Policy

extension Shape {
  /// The scalar under a node; reports anything else.
  static func scalar(
    _ node: Node, _ expected: String, _ reading: inout Reading
  ) -> Node.Scalar? {
    guard case .scalar(let scalar) = node.content, !scalar.isNull else {
      reading.report(node.origin, "expected \(expected), found \(node.kindName)")
      return nil
    }
    return scalar
  }
}

extension Shape where Value == String {
  /// Any text without control characters; several lines only where `isMultiline`.
  static func text(bytesMax: Int, isMultiline: Bool = false, expected: String = "a text") -> Shape {
    let schema: JSONValue = [
      "type": "string", "minLength": 1, "maxLength": .integer(Int64(bytesMax)),
    ]
    return Shape(
      schema: schema,
      read: { node, reading in
        guard let text = scalar(node, expected, &reading)?.text else { return nil }
        guard !text.isEmpty else {
          reading.report(node.origin, "expected \(expected), found an empty text")
          return nil
        }
        guard text.utf8.count <= bytesMax else {
          reading.report(node.origin, "longer than \(bytesMax) bytes")
          return nil
        }
        let isForbidden: (Unicode.Scalar) -> Bool = { scalar in
          let isLineBreak = scalar == "\n" || scalar == "\t"
          return scalar.properties.generalCategory == .control && !(isMultiline && isLineBreak)
        }
        guard !text.unicodeScalars.contains(where: isForbidden) else {
          reading.report(node.origin, "a control character is in this text; leave it out")
          return nil
        }
        return text
      }, show: { .string($0) })
  }

  /// A name that people type and logs show: letters, digits, and `-`, `_`, `.` between them; case
  /// counts.
  static func name(_ expected: String) -> Shape {
    let pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
    let plain = text(bytesMax: 128, expected: expected)
    return Shape(
      schema: ["type": "string", "pattern": .string(pattern)],
      read: { node, reading in
        guard let text = plain.read(node, &reading) else { return nil }
        guard isName(text) else {
          reading.report(
            node.origin,
            "\"\(text)\" is not a name; use letters, digits, \"-\", \"_\" and \".\", beginning with a letter or digit"
          )
          return nil
        }
        return text
      }, show: { .string($0) })
  }

  private static func isName(_ text: String) -> Bool {
    func isLetterOrDigit(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    guard let first = text.utf8.first, isLetterOrDigit(first) else { return false }
    return text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E }
  }

  /// The text with where it was written, for the policy's own errors.
  var positioned: Shape<PositionedText> {
    map { text, node, _ in PositionedText(text, position: node.origin.position) }
  }
}

extension Shape where Value == Bool {
  static var boolean: Shape {
    Shape(
      schema: ["type": "boolean"],
      read: { node, reading in
        let scalar = scalar(node, "true or false", &reading)
        switch scalar?.text {
        case nil: return nil
        case "true" where scalar?.isPlain == true: return true
        case "false" where scalar?.isPlain == true: return false
        case "true", "false":
          reading.report(node.origin, "expected true or false, found a text; leave out the quotes")
          return nil
        case let text?:
          reading.report(node.origin, "expected true or false, found \"\(text)\"")
          return nil
        }
      }, show: { .bool($0) })
  }
}

extension Shape where Value == Int {
  /// A whole number in decimal digits.
  static func integer(_ range: ClosedRange<Int>) -> Shape {
    let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    return Shape(
      schema: [
        "type": "integer", "minimum": .integer(Int64(range.lowerBound)),
        "maximum": .integer(Int64(range.upperBound)),
      ],
      read: { node, reading in
        guard let scalar = scalar(node, expected, &reading) else { return nil }
        let isDigits = scalar.text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard scalar.isPlain || !isDigits else {
          reading.report(node.origin, "expected \(expected), found a text; leave out the quotes")
          return nil
        }
        guard isDigits, let number = Int(scalar.text), range.contains(number) else {
          reading.report(node.origin, "expected \(expected), found \"\(scalar.text)\"")
          return nil
        }
        return number
      }, show: { .integer(Int64($0)) })
  }
}

extension Shape where Value: CustomStringConvertible {
  /// A value with a notation of its own.
  /// - Parameters:
  ///   - pattern: of that notation, for editors.
  ///   - expected: what it is, with an example.
  ///   - parse: says what is wrong where it is.
  static func written(
    _ pattern: String, _ expected: String, _ parse: @escaping (String) -> Result<Value, Refusal>
  ) -> Shape {
    Shape(
      schema: ["type": "string", "pattern": .string(pattern)],
      read: { node, reading in
        guard let text = scalar(node, expected, &reading)?.text else { return nil }
        switch parse(text) {
        case .success(let value): return value
        case .failure(let refusal):
          reading.report(node.origin, refusal.message)
          return nil
        }
      }, show: { .string($0.description) })
  }
}

extension Shape where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of a few words. `later` holds words that later versions know, with what to say about them.
  static func word(later: [String: String] = [:]) -> Shape {
    let words = Value.allCases.map(\.rawValue).filter { later[$0] == nil }
    let expected = Listing.or(words)
    return Shape(
      schema: ["enum": .array(words.map { .string($0) })],
      read: { node, reading in
        guard let text = scalar(node, expected, &reading)?.text else { return nil }
        if let message = later[text] {
          reading.report(node.origin, "\"\(text)\" is not available in this version: \(message)")
          return nil
        }
        guard words.contains(text), let value = Value(rawValue: text) else {
          let hint = Suggestion.among(words, for: text).map { "; did you mean \"\($0)\"?" } ?? ""
          reading.report(node.origin, "expected \(expected), found \"\(text)\"\(hint)")
          return nil
        }
        return value
      }, show: { .string($0.rawValue) })
  }
}
