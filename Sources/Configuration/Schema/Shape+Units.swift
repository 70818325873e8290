internal import PlainJSON

/// Sizes as people write them: `4096B`, `32KiB`, `4MiB`, `1GiB`. The unit is never left out.
enum ByteSize {
  static let units: [(name: String, bytes: Int)] = [
    ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
  ]

  /// The size in the largest unit that divides it.
  static func text(_ bytes: Int) -> String { Quantity.text(bytes, units) }
}

/// Lengths of time as people write them: `500ms`, `15s`, `5m`, `1h`. The unit is never left out.
enum TimeLength {
  static let units: [(name: String, milliseconds: Int)] = [
    ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]

  static func text(_ milliseconds: Int) -> String { Quantity.text(milliseconds, units) }
}

/// A whole number with a unit.
private enum Quantity {
  static func text(_ amount: Int, _ units: [(String, Int)]) -> String {
    let unit = units.first { amount % $0.1 == 0 && amount >= $0.1 } ?? units[units.count - 1]
    return "\(amount / unit.1)\(unit.0)"
  }

  /// The amount in the smallest unit; nil when the text is no such thing or does not fit.
  static func amount(_ text: String, _ units: [(String, Int)]) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits),
      let unit = units.first(where: { $0.0 == text.dropFirst(digits.count) })
    else { return nil }
    let (amount, overflow) = number.multipliedReportingOverflow(by: unit.1)
    return overflow ? nil : amount
  }

  static func shape(
    _ units: [(String, Int)], _ range: ClosedRange<Int>, noun: String, example: String
  ) -> Shape<Int> {
    let names = units.map(\.0).reversed().joined(separator: "|")
    let bounds = "from \(text(range.lowerBound, units)) to \(text(range.upperBound, units))"
    let expected = "\(noun) \(bounds), such as \(example)"
    return Shape<Int>(
      schema: ["type": "string", "pattern": .string("^[0-9]+(\(names))$")],
      read: { node, reading in
        guard let written = Shape<Int>.scalar(node, expected, &reading)?.text else { return nil }
        guard let amount = amount(written, units) else {
          reading.report(node.origin, "expected \(expected), found \"\(written)\"")
          return nil
        }
        guard range.contains(amount) else {
          reading.report(node.origin, "\(written) is out of range; expected \(noun) \(bounds)")
          return nil
        }
        return amount
      }, show: { .string(text($0, units)) })
  }
}

extension Shape where Value == Int {
  /// A number of bytes.
  static func size(_ range: ClosedRange<Int>) -> Shape {
    Quantity.shape(ByteSize.units, range, noun: "a size", example: "64KiB or 4MiB")
  }

  /// A length of time, in milliseconds.
  static func duration(_ range: ClosedRange<Int>) -> Shape {
    Quantity.shape(TimeLength.units, range, noun: "a duration", example: "500ms or 15s")
  }
}
