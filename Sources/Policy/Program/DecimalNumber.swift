/// A JSON number read exactly: sign, significant digits, and the place of the point.
///
///     "-12.50"  ->  negative, digits 1 2 5, exponent 2       value = -0.125 * 10^2
///     "0.001"   ->  digits 1, exponent -2                    value =  0.1   * 10^-2
///     "0", "-0.0e7"  ->  no digits: zero has no sign and no exponent here
///
/// Leading and trailing zeros are dropped, so equal numbers have equal parts, however they were written, and
/// comparing never rounds: 9007199254740993 is not 9007199254740992.
struct DecimalNumber: BitwiseCopyable {
  static let digitsMax = 64
  /// An exponent beyond this is not read: no condition says anything sensible about such a number.
  static let exponentMax = 1_000_000

  private(set) var negative = false
  private(set) var count = 0
  private(set) var exponent = 0
  private var digits: InlineArray<64, UInt8> = .init(repeating: 0)

  /// Reads `literal` by JSON's grammar (RFC 8259 §6); nil when it is no number, longer than 64 bytes, or its
  /// exponent is out of bounds.
  init?(_ literal: RawSpan) {
    let end = literal.byteCount
    guard end > 0, end <= DecimalNumber.digitsMax else { return nil }
    var offset = 0
    if literal.byte(0) == UInt8(ascii: "-") {
      negative = true
      offset = 1
    }
    let integerStart = offset
    while offset < end, let digit = DecimalNumber.digit(literal.byte(offset)) {
      append(digit)
      if count > 0 { exponent &+= 1 }
      offset &+= 1
    }
    let integerDigits = offset &- integerStart
    guard integerDigits > 0 else { return nil }
    if integerDigits > 1, literal.byte(integerStart) == UInt8(ascii: "0") { return nil }
    if offset < end, literal.byte(offset) == UInt8(ascii: ".") {
      offset &+= 1
      let fractionStart = offset
      while offset < end, let digit = DecimalNumber.digit(literal.byte(offset)) {
        if count == 0 && digit == 0 { exponent &-= 1 }
        append(digit)
        offset &+= 1
      }
      guard offset > fractionStart else { return nil }
    }
    guard let scale = DecimalNumber.scale(literal, from: &offset), offset == end else {
      return nil
    }
    while count > 0, digits[count &- 1] == 0 { count &-= 1 }
    exponent &+= scale
    if count == 0 {
      negative = false
      exponent = 0
    }
    guard abs(exponent) <= DecimalNumber.exponentMax else { return nil }
  }

  private mutating func append(_ digit: UInt8) {
    if count == 0 && digit == 0 { return }
    digits[count] = digit
    count &+= 1
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    0x30...0x39 ~= byte ? byte &- 0x30 : nil
  }

  /// The exponent part at `offset`, zero when there is none, nil when it is malformed. Saturates.
  private static func scale(_ literal: RawSpan, from offset: inout Int) -> Int? {
    guard offset < literal.byteCount, literal.byte(offset) | 0x20 == UInt8(ascii: "e") else {
      return 0
    }
    offset &+= 1
    var negative = false
    if offset < literal.byteCount {
      let sign = literal.byte(offset)
      if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
        negative = sign == UInt8(ascii: "-")
        offset &+= 1
      }
    }
    let start = offset
    var value = 0
    while offset < literal.byteCount, let digit = digit(literal.byte(offset)) {
      value = min(value &* 10 &+ Int(digit), exponentMax &* 10)
      offset &+= 1
    }
    guard offset > start else { return nil }
    return negative ? -value : value
  }
}

extension DecimalNumber {
  /// Negative, zero or positive, as this number is less than, equal to or greater than `other`.
  func compare(to other: DecimalNumber) -> Int {
    if sign != other.sign { return sign < other.sign ? -1 : 1 }
    if count == 0 { return 0 }
    let magnitude = compareMagnitude(to: other)
    return negative ? -magnitude : magnitude
  }

  private var sign: Int { count == 0 ? 0 : negative ? -1 : 1 }

  private func compareMagnitude(to other: DecimalNumber) -> Int {
    if exponent != other.exponent { return exponent < other.exponent ? -1 : 1 }
    for index in 0..<max(count, other.count) {
      // Digits beyond `count` are zero by construction or were dropped as zeros.
      let left = index < count ? digits[index] : 0
      let right = index < other.count ? other.digits[index] : 0
      if left != right { return left < right ? -1 : 1 }
    }
    return 0
  }
}
