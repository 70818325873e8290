import Wire

/// Reads the contents of one JSON string in pieces, cut anywhere: proves that they are UTF-8 without control characters and
/// with sound escapes, finds the closing quote, and unescapes on the way where somebody wants that.
///
///     {"a":"x\ud83d|\ude00"}    the piece may end between the halves of a pair: the state knows that one is missing
struct StreamString {
  enum End: Equatable {
    /// The piece ended inside the string.
    case more
    /// The closing quote is at the offset returned.
    case closed
    case violation(JSONViolationReason)
  }

  private enum Expect: UInt8 {
    case any
    /// The character after a backslash.
    case escape
    /// Digits of `\u`.
    case digits
    /// After the first half of a pair: its backslash, its `u`.
    case lowBackslash, lowLetter
    /// Continuation bytes of UTF-8.
    case continuation
  }

  private var expect = Expect.any
  private var digitsLeft: UInt8 = 0
  private var unit: UInt32 = 0
  /// The first half of a surrogate pair.
  private var high: UInt32 = 0
  /// Continuation bytes that are missing, and what the next may be.
  private var left: UInt8 = 0
  private var lower: UInt8 = 0x80
  private var upper: UInt8 = 0xBF
  /// Whether there was a backslash.
  private(set) var hasEscapes = false
  /// Whether there was a backslash or an apostrophe: without one, no quoted name hides in the string.
  private(set) var hasMark = false

  /// Reads on at `start`. Everything decoded goes to `decoded`.
  /// - Returns: where reading stopped: at the closing quote, at what is wrong, or at the end of the bytes.
  mutating func read(
    _ bytes: RawSpan, from start: Int, decoded: StreamBuffer?
  ) -> (stop: Int, end: End) {
    var at = start
    let count = bytes.byteCount
    // Where the stretch begins that stands for itself.
    var plain = start
    while at < count {
      switch expect {
      case .any:
        at = Self.skipUsual(bytes, from: at)
        guard at < count else { break }
        let byte = bytes.at(at)
        switch byte {
        case UInt8(ascii: "\""):
          decoded?.append(bytes.extracting(plain..<at))
          return (at, .closed)
        case UInt8(ascii: "\\"):
          decoded?.append(bytes.extracting(plain..<at))
          hasEscapes = true
          hasMark = true
          if at &+ 1 < count, Self.standsForItself(bytes.at(at &+ 1)) {
            // By far the commonest: a quote in a text that is JSON. Without its backslash it begins the next stretch.
            plain = at &+ 1
            at &+= 2
            continue
          }
          expect = .escape
        case 0..<0x20: return (at, .violation(.controlCharacter))
        case 0x80...:
          guard begins(byte) else { return (at, .violation(.invalidUTF8)) }
        case UInt8(ascii: "'"): hasMark = true
        default: break
        }
        at &+= 1
      case .continuation:
        let byte = bytes.at(at)
        guard byte >= lower, byte <= upper else { return (at, .violation(.invalidUTF8)) }
        (lower, upper) = (0x80, 0xBF)
        left &-= 1
        if left == 0 { expect = .any }
        at &+= 1
      default:
        if let reason = escape(bytes.at(at), decoded) { return (at, .violation(reason)) }
        at &+= 1
        plain = at
      }
    }
    if expect == .any || expect == .continuation { decoded?.append(bytes.extracting(plain..<at)) }
    return (at, .more)
  }

  /// The first byte at or after `start` that takes a look: a quote, a backslash, an apostrophe, a control character, or
  /// one that is not ASCII. Eight at a time.
  @inline(__always)
  private static func skipUsual(_ bytes: RawSpan, from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var at = start
    while at &+ 8 <= bytes.byteCount {
      let word = unsafe UInt64(
        littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
      let quote = word ^ (ones &* 0x22)
      let slash = word ^ (ones &* 0x5C)
      let apostrophe = word ^ (ones &* 0x27)
      let found =
        ((word &- ones &* 0x20) & ~word) | word | ((quote &- ones) & ~quote)
        | ((slash &- ones) & ~slash) | ((apostrophe &- ones) & ~apostrophe)
      let marks = found & (ones &* 0x80)
      if marks != 0 { return at &+ marks.trailingZeroBitCount / 8 }
      at &+= 8
    }
    while at < bytes.byteCount {
      let byte = bytes.at(at)
      if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C || byte == 0x27 { break }
      at &+= 1
    }
    return at
  }

  /// Whether a backslash before this byte only says that it is of the string.
  @inline(__always)
  private static func standsForItself(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "/")
  }

  /// The first byte of a character that is not ASCII (Unicode 16, table 3-7).
  @inline(__always)
  private mutating func begins(_ byte: UInt8) -> Bool {
    (lower, upper) = (0x80, 0xBF)
    switch byte {
    case 0xC2...0xDF: left = 1
    case 0xE0...0xEF:
      left = 2
      if byte == 0xE0 { lower = 0xA0 }
      if byte == 0xED { upper = 0x9F }
    case 0xF0...0xF4:
      left = 3
      if byte == 0xF0 { lower = 0x90 }
      if byte == 0xF4 { upper = 0x8F }
    default: return false
    }
    expect = .continuation
    return true
  }

  /// One byte of an escape.
  @inline(__always)
  private mutating func escape(
    _ byte: UInt8, _ decoded: StreamBuffer?
  ) -> JSONViolationReason? {
    switch expect {
    case .escape:
      expect = .any
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded?.append(byte)
      case UInt8(ascii: "n"): decoded?.append(0x0A)
      case UInt8(ascii: "r"): decoded?.append(0x0D)
      case UInt8(ascii: "t"): decoded?.append(0x09)
      case UInt8(ascii: "b"): decoded?.append(0x08)
      case UInt8(ascii: "f"): decoded?.append(0x0C)
      case UInt8(ascii: "u"):
        expect = .digits
        digitsLeft = 4
        unit = 0
      default: return .invalidEscape
      }
      return nil
    case .digits:
      guard let digit = Self.hexadecimal(byte) else { return .invalidUnicodeEscape }
      unit = unit &<< 4 | digit
      digitsLeft &-= 1
      return digitsLeft == 0 ? finishUnit(decoded) : nil
    case .lowBackslash:
      guard byte == UInt8(ascii: "\\") else { return .loneSurrogate }
      expect = .lowLetter
      return nil
    case .lowLetter:
      guard byte == UInt8(ascii: "u") else { return .loneSurrogate }
      expect = .digits
      digitsLeft = 4
      unit = 0
      return nil
    case .any, .continuation: return nil
    }
  }

  private mutating func finishUnit(_ decoded: StreamBuffer?) -> JSONViolationReason? {
    if high != 0 {
      guard (0xDC00...0xDFFF).contains(unit) else { return .loneSurrogate }
      append(0x10000 &+ (high &- 0xD800) &<< 10 &+ (unit &- 0xDC00), decoded)
      high = 0
    } else if (0xD800...0xDBFF).contains(unit) {
      high = unit
      expect = .lowBackslash
      return nil
    } else if (0xDC00...0xDFFF).contains(unit) {
      return .loneSurrogate
    } else {
      append(unit, decoded)
    }
    expect = .any
    return nil
  }

  private func append(_ scalar: UInt32, _ decoded: StreamBuffer?) {
    guard let decoded, let scalar = Unicode.Scalar(scalar) else { return }
    for unit in UTF8.encode(scalar)! { decoded.append(unit) }
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte &- UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte &- UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte &- UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}
