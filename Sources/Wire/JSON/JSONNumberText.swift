import Glibc

/// A JSON number as RFC 8785 writes it: the shortest text that reads back as the same IEEE 754 double, laid out as
/// ECMAScript does (ECMA-262, Number::toString).
///
///     1.0 -> 1    1E2 -> 100    1e21 -> 1e+21    0.0000001 -> 1e-7    -0 -> 0
///
/// A literal whose value the double would change (`9007199254740993`, `1e400`, forty digits of pi) has no such text: a server
/// that reads numbers exactly would be given something else than the text says.
struct JSONNumberText {
  /// Significant digits, without zeros at either end, as values 0…9.
  private var digits = InlineArray<72, UInt8>(repeating: 0)
  private var count = 0
  /// The value is 0.d₁d₂… times ten to the power of this.
  private var exponent = 0
  private var isNegative = false

  /// Reads a number of JSON's (or Swift's) grammar, of at most 72 digits; nil when it is longer or its exponent is absurd.
  private init?(_ text: some Sequence<UInt8>) {
    var pointSeen = false
    var inExponent = false
    var written = 0
    var exponentSign = 1
    for byte in text {
      switch byte {
      case UInt8(ascii: "-") where inExponent: exponentSign = -1
      case UInt8(ascii: "-"): isNegative = true
      case UInt8(ascii: "+"): break
      case UInt8(ascii: "."): pointSeen = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"): inExponent = true
      default:
        let digit = byte &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        if inExponent {
          written = written * 10 + Int(digit)
          guard written < 1_000_000 else { return nil }
        } else if digit == 0 && count == 0 {
          // Zeros in front: behind the point each makes the number ten times smaller.
          if pointSeen { exponent -= 1 }
        } else {
          guard count < 72 else { return nil }
          digits[count] = digit
          count += 1
          if !pointSeen { exponent += 1 }
        }
      }
    }
    while count > 0, digits[count - 1] == 0 { count -= 1 }
    exponent = count == 0 ? 0 : exponent + exponentSign * written
  }

  private func isSameValue(as other: JSONNumberText) -> Bool {
    guard count == other.count, exponent == other.exponent,
      isNegative == other.isNegative || count == 0
    else { return false }
    for place in 0..<count where digits[place] != other.digits[place] { return false }
    return true
  }

  /// Writes the canonical text of `value`, which `literal` was read as. False, and nothing is written, when the double has
  /// another value than the literal.
  static func write(
    literal: RawSpan, value: Double, into out: inout ByteWriter
  ) -> Bool {
    guard value.isFinite,
      let shortest = JSONNumberText(value.description.utf8),
      let written = unsafe literal.withUnsafeBytes({ unsafe JSONNumberText($0) }),
      written.isSameValue(as: shortest)
    else { return false }
    shortest.write(into: &out)
    return true
  }

  private func write(into out: inout ByteWriter) {
    guard count > 0 else { return out.append(UInt8(ascii: "0")) }
    if isNegative { out.append(UInt8(ascii: "-")) }
    switch exponent {
    case count...max(count, 21) where exponent <= 21:
      put(0..<count, into: &out)
      zeros(exponent - count, into: &out)
    case 1...21:
      put(0..<exponent, into: &out)
      out.append(UInt8(ascii: "."))
      put(exponent..<count, into: &out)
    case -5...0:
      out.append("0.")
      zeros(-exponent, into: &out)
      put(0..<count, into: &out)
    default:
      put(0..<1, into: &out)
      if count > 1 {
        out.append(UInt8(ascii: "."))
        put(1..<count, into: &out)
      }
      out.append(exponent > 0 ? "e+" : "e-")
      out.append(decimal: UInt64((exponent - 1).magnitude))
    }
  }

  private func put(_ places: Range<Int>, into out: inout ByteWriter) {
    for place in places { out.append(digits[place] &+ UInt8(ascii: "0")) }
  }

  private func zeros(_ count: Int, into out: inout ByteWriter) {
    for _ in 0..<count { out.append(UInt8(ascii: "0")) }
  }
}
