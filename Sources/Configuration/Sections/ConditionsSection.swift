import PlainJSON
import Policy

/// The conditions on one argument:
///
///     amount: { greater_than: 1000, at_most: 5000 }
///     table:  { one_of: [customers, payments] }
struct ConditionsSection: SchemaObject {
  var equals: ConditionDefinition?
  var oneOf: ConditionDefinition?
  var prefix: ConditionDefinition?
  var suffix: ConditionDefinition?
  var regex: ConditionDefinition?
  var greaterThan: ConditionDefinition?
  var atLeast: ConditionDefinition?
  var lessThan: ConditionDefinition?
  var atMost: ConditionDefinition?

  var all: [ConditionDefinition] {
    [equals, oneOf, prefix, suffix, regex, greaterThan, atLeast, lessThan, atMost].compactMap(
      \.self)
  }

  static var all: Shape<[ArgumentDefinition]> {
    .mapping(
      keys: .text(bytesMax: 1024, expected: "the path of an argument"),
      Shape<ConditionsSection>.object
    ) { path, origin, section in
      ArgumentDefinition(
        path: PositionedText(path, position: origin.position), conditions: section.all)
    }
  }

  static var keys: KeyTable<ConditionsSection> {
    let text = Shape<String>.text(bytesMax: 4096)
    let number = Shape<NumberLiteral>.number
    return KeyTable(
      keys: [
        .optional(
          "equals", \.equals, Shape<ScalarDefinition>.comparable.condition { .equals($0) },
          "the argument is this text, number, truth value or null"),
        .optional(
          "one_of", \.oneOf,
          Shape<[ScalarDefinition]>.list(.comparable, atLeast: 1).condition { .oneOf($0) },
          "the argument is one of these"),
        .optional(
          "prefix", \.prefix, text.condition { .prefix($0) },
          "the argument is a text that begins so"),
        .optional(
          "suffix", \.suffix, text.condition { .suffix($0) }, "the argument is a text that ends so"),
        .optional(
          "regex", \.regex, text.condition { .regex($0) },
          "the pattern is found somewhere in the text; no look-around, no back-references; (?i) ignores case"
        ),
        .optional(
          "greater_than", \.greaterThan, number.condition { .greaterThan($0) },
          "the argument is a greater number"),
        .optional(
          "at_least", \.atLeast, number.condition { .atLeast($0) },
          "the argument is this number or greater"),
        .optional(
          "less_than", \.lessThan, number.condition { .lessThan($0) },
          "the argument is a smaller number"),
        .optional(
          "at_most", \.atMost, number.condition { .atMost($0) },
          "the argument is this number or smaller"),
      ],
      later: [
        ("sql_effect", "use regex on the statement until then"),
        ("detect", "use regex until then"),
        ("not", "write a rule with effect: allow before this one"),
      ],
      finish: { section, node, reading in
        if section.all.isEmpty {
          reading.report(
            node.origin, "no condition; write for example { equals: … } or { one_of: […] }")
        }
      })
  }
}

extension Shape {
  /// The value as a condition that knows where it was written.
  fileprivate func condition(
    _ make: @escaping (Value) -> ArgumentCondition
  ) -> Shape<ConditionDefinition?> {
    map { value, node, _ in ConditionDefinition(make(value), position: node.origin.position) }
  }
}

extension Shape where Value == ScalarDefinition {
  /// A text, number, truth value or null to compare an argument with.
  ///
  /// Quotes decide: `"5"` is a text, `5` a number. What looks like a number and is none of JSON's
  /// (`0x1F`, `+5`, `1_000`) is refused rather than guessed at.
  static var comparable: Shape {
    Shape(
      schema: ["type": ["string", "number", "boolean", "null"]],
      read: { node, reading in
        guard case .scalar(let scalar) = node.content else {
          reading.report(
            node.origin, "expected a text, a number, true, false or null, found \(node.kindName)")
          return nil
        }
        guard scalar.isPlain else { return .string(scalar.text) }
        switch scalar.text {
        case "null": return .null
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        case let text where JSONNumber.isValid(text): return .number(NumberLiteral(text))
        case let text where scalar.isNull || JSONNumber.looksLikeOne(text):
          let found = scalar.isNull ? "nothing" : text
          reading.report(
            node.origin,
            "\(found) is not clear here: quote a text, write a number as 12, -0.5 or 1e6")
          return nil
        case let text: return .string(text)
        }
      })
  }
}

extension Shape where Value == NumberLiteral {
  static var number: Shape {
    Shape(
      schema: ["type": "number"],
      read: { node, reading in
        guard let scalar = scalar(node, "a number", &reading) else { return nil }
        guard scalar.isPlain || !JSONNumber.isValid(scalar.text) else {
          reading.report(node.origin, "expected a number, found a text; leave out the quotes")
          return nil
        }
        guard JSONNumber.isValid(scalar.text), scalar.text.utf8.count <= 64 else {
          reading.report(
            node.origin, "expected a number such as 12, -0.5 or 1e6, found \"\(scalar.text)\"")
          return nil
        }
        return NumberLiteral(scalar.text)
      })
  }
}

/// JSON's grammar of numbers (RFC 8259 §6).
enum JSONNumber {
  static func isValid(_ text: String) -> Bool {
    text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil
  }

  /// A number to a person, to YAML or to other languages.
  static func looksLikeOne(_ text: String) -> Bool {
    text.wholeMatch(of: /[-+]?(0[xXoObB][0-9A-Fa-f_]+|\.?[0-9][0-9_]*\.?[0-9_]*([eE][-+]?[0-9]+)?)/)
      != nil
  }
}
