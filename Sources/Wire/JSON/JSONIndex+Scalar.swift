// Numbers and literals. Nearly all numbers are at most eight bytes of digits, perhaps with a sign and a point: those are
// checked as one 64-bit word. The rest goes through the grammar of RFC 8259, section 6, byte by byte.
//
//     129.95  as a word, each byte minus '0':  01 02 09 1e 09 05   one byte above 9, it is '.', and not at an end

extension JSONIndex {
  /// Checks the literal or number in [from, to), which begins with `first`.
  @inline(__always)
  func plain(
    _ base: UnsafePointer<UInt8>, length: Int, _ first: UInt8, from: Int, to: Int
  ) -> JSONViolationReason? {
    let digits = first == UInt8(ascii: "-") ? from &+ 1 : from
    let count = to &- digits
    if count >= 1, count <= 8, digits &+ 8 <= length,
      unsafe Self.isShortNumber(base + digits, count)
    {
      return to &- from > limits.numberLengthMax ? .numberTooLong : nil
    }
    return unsafe otherPlain(base, first, from: from, to: to)
  }

  /// Whether the `count` (1…8) bytes at `place` are an unsigned number without exponent. Eight bytes are readable.
  /// False may also mean that it takes a longer look.
  @inline(__always)
  static func isShortNumber(_ place: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let loaded = unsafe UInt64(
      littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt64.self))
    // The bytes moved to the top, zeros ('0' minus '0') below them.
    let spare = UInt64(truncatingIfNeeded: 64 &- count &* 8)
    let word = (loaded ^ 0x3030_3030_3030_3030) &<< spare
    let others = (word | (word &+ 0x0606_0606_0606_0606)) & 0xF0F0_F0F0_F0F0_F0F0
    let leadingZero = (word &>> spare) & 0xFF == 0
    if others == 0 { return count == 1 || !leadingZero }
    // Exactly one byte that is no digit: is it the point, with digits on both sides?
    let at = UInt64(truncatingIfNeeded: others.trailingZeroBitCount) & ~7
    guard others &>> at < 0x100, (word &>> at) & 0xFF == 0x1E else { return false }
    guard at != spare, at != 56 else { return false }
    return !leadingZero || at == spare &+ 8
  }

  @inline(never)
  private func otherPlain(
    _ base: UnsafePointer<UInt8>, _ first: UInt8, from: Int, to: Int
  ) -> JSONViolationReason? {
    switch first {
    case UInt8(ascii: "t"):
      return unsafe Self.matches(base, from, to, "true") ? nil : .expectedValue
    case UInt8(ascii: "f"):
      return unsafe Self.matches(base, from, to, "false") ? nil : .expectedValue
    case UInt8(ascii: "n"):
      return unsafe Self.matches(base, from, to, "null") ? nil : .expectedValue
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      guard unsafe Self.isNumber(base, from, to) else { return .invalidNumber }
      return to &- from > limits.numberLengthMax ? .numberTooLong : nil
    default:
      return .expectedValue
    }
  }

  private static func matches(
    _ base: UnsafePointer<UInt8>, _ from: Int, _ to: Int, _ text: StaticString
  ) -> Bool {
    guard to &- from == text.utf8CodeUnitCount else { return false }
    for offset in 0..<(to &- from)
    where unsafe base[from &+ offset] != text.utf8Start[offset] {
      return false
    }
    return true
  }

  /// number = [ minus ] int [ frac ] [ exp ]
  private static func isNumber(_ base: UnsafePointer<UInt8>, _ from: Int, _ to: Int) -> Bool {
    var at = from
    func digits() -> Bool {
      let start = at
      while at < to, unsafe base[at] &- UInt8(ascii: "0") < 10 { at &+= 1 }
      return at > start
    }
    if unsafe base[at] == UInt8(ascii: "-") { at &+= 1 }
    let integer = at
    guard digits() else { return false }
    if unsafe base[integer] == UInt8(ascii: "0"), at > integer &+ 1 { return false }
    if at < to, unsafe base[at] == UInt8(ascii: ".") {
      at &+= 1
      guard digits() else { return false }
    }
    if at < to, unsafe base[at] | 0x20 == UInt8(ascii: "e") {
      at &+= 1
      if at < to, unsafe base[at] == UInt8(ascii: "+") || base[at] == UInt8(ascii: "-") { at &+= 1 }
      guard digits() else { return false }
    }
    return at == to
  }
}
