import Glibc
import Wire

/// Looks for the names of masked fields, in quotes, in text that is not the JSON the gateway reads: Python's `repr`,
/// NaN, duplicate keys, fenced code, several documents in one.
///
/// Escapes are undone first, as lenient readers of many languages would, and several times over, so that a name is found
/// however deep it is quoted.
///
///     [Row({'id': 1, 'ssn': '123-45-6789'})]      finds ssn
///     {\"e\\u006dail\": NaN}                      becomes {"email": NaN}, finds email
@safe
struct MaskedNameSearch: ~Copyable {
  private var text: UnsafeMutablePointer<UInt8>
  private var capacity = 256
  private var count = 0
  private static var passesMax: Int { 6 }

  init() { unsafe text = .allocate(capacity: capacity) }

  deinit { unsafe text.deallocate() }

  /// Whether a lenient reader might take the text for a JSON object, array or string.
  static func mayBeJSON(_ text: RawSpan) -> Bool {
    for offset in 0..<text.byteCount {
      switch unsafe text.unsafeLoad(fromByteOffset: offset, as: UInt8.self) {
      case 0...0x20: continue
      case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""), UInt8(ascii: "\\"): return true
      default: return false
      }
    }
    return false
  }

  /// Whether `source` has the name of a field of an active rule in quotes.
  mutating func finds(_ source: RawSpan, tables: MaskTables, active: MaskRuleSet) -> Bool {
    load(source)
    return unsafe finds(tables, active)
  }

  private mutating func finds(_ tables: MaskTables, _ active: MaskRuleSet) -> Bool {
    if unsafe findsName(tables, active) { return true }
    for _ in 0..<Self.passesMax {
      guard hasBackslash, unescapeLeniently() else { return false }
      if unsafe findsName(tables, active) { return true }
    }
    return false
  }

  /// Whether a part of a URL parameter's name is the name of a field of an active rule: `email`, `user[email]`, `user.email`.
  mutating func names(_ parameter: RawSpan, tables: MaskTables, active: MaskRuleSet) -> Bool {
    load(parameter)
    decodePercent()
    if unsafe isNamed(0, count, tables, active) { return true }
    var start = 0
    for end in 0...count where unsafe end == count || ".[]:".utf8.contains(text[end]) {
      if unsafe isNamed(start, end, tables, active) { return true }
      start = end + 1
    }
    return false
  }

  /// The same as `finds` for a URL parameter's value.
  mutating func finds(encoded value: RawSpan, tables: MaskTables, active: MaskRuleSet) -> Bool {
    load(value)
    decodePercent()
    return unsafe finds(tables, active)
  }

  /// Undoes percent-encoding and pluses (WHATWG URL §5.1), in place.
  private mutating func decodePercent() {
    var to = 0
    var from = 0
    while from < count {
      let byte = unsafe text[from]
      if byte == UInt8(ascii: "%"), let value = hexadecimal(from + 1, 2) {
        unsafe text[to] = UInt8(value)
        from += 3
      } else {
        unsafe text[to] = byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte
        from += 1
      }
      to += 1
    }
    count = to
  }

  private mutating func load(_ source: RawSpan) {
    if source.byteCount > capacity {
      unsafe text.deallocate()
      capacity = max(source.byteCount, 2 * capacity)
      unsafe text = .allocate(capacity: capacity)
    }
    count = source.byteCount
    unsafe source.withUnsafeBytes { buffer in
      if let start = buffer.baseAddress {
        unsafe UnsafeMutableRawPointer(text).copyMemory(from: start, byteCount: buffer.count)
      }
    }
  }

  /// Every stretch between a quote or apostrophe and the next one, without backslashes at its end.
  private func findsName(_ tables: MaskTables, _ active: MaskRuleSet) -> Bool {
    var start = 0
    while start < count {
      guard unsafe isQuote(text[start]) else {
        start += 1
        continue
      }
      start += 1
      var end = start
      while unsafe end < count && end - start <= tables.longestName {
        if unsafe isQuote(text[end]) {
          if unsafe isNamed(start, trimmed(end, from: start), tables, active) { return true }
          // Names with quotes of their own are rare: only then is it worth looking on.
          guard unsafe tables.hasQuotedNames else { break }
        }
        end += 1
      }
    }
    return false
  }

  private func isQuote(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
  }

  private func trimmed(_ end: Int, from start: Int) -> Int {
    var end = end
    while end > start, unsafe text[end - 1] == UInt8(ascii: "\\") { end -= 1 }
    return end
  }

  private func isNamed(
    _ start: Int, _ end: Int, _ tables: MaskTables, _ active: MaskRuleSet
  ) -> Bool {
    guard end > start else { return false }
    let word = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(text + start), byteCount: end - start)
    let hash = JSONWatch.hash(of: word)
    var slot = Int(hash)
    while let number = unsafe tables.entry(hash: hash, slot: &slot) {
      let entry = unsafe tables.entries[number]
      guard Int(entry.name.count) == end - start else { continue }
      var isSame = true
      for offset in 0..<(end - start)
      where unsafe asciiLowercased(text[start + offset])
        != tables.text[Int(entry.name.offset) + offset]
      {
        isSame = false
        break
      }
      guard isSame else { continue }
      for field in Int(entry.firstField)..<Int(entry.firstField + entry.fieldCount)
      where unsafe active.contains(Int(tables.fields[field].rule)) {
        return true
      }
    }
    return false
  }

  private var hasBackslash: Bool {
    unsafe memchr(text, Int32(UInt8(ascii: "\\")), count) != nil
  }

  /// Undoes one layer of escapes, in place; false when there was none.
  private mutating func unescapeLeniently() -> Bool {
    var from = 0
    var to = 0
    var changed = false
    while from < count {
      let byte = unsafe text[from]
      guard byte == UInt8(ascii: "\\"), from + 1 < count else {
        unsafe text[to] = byte
        from += 1
        to += 1
        continue
      }
      changed = true
      let code = unsafe text[from + 1]
      let digits =
        code == UInt8(ascii: "u")
        ? 4 : code == UInt8(ascii: "x") ? 2 : code == UInt8(ascii: "U") ? 8 : 0
      if digits > 0, let scalar = hexadecimal(from + 2, digits) {
        // Names are compared in ASCII case-insensitively; UTF-8 of the scalar is never longer than its escape.
        for unit in UTF8.encode(Unicode.Scalar(scalar) ?? "\u{fffd}")! {
          unsafe text[to] = unit
          to += 1
        }
        from += 2 + digits
      } else {
        let isBlank = "nrtbf".utf8.contains(code)
        unsafe text[to] = isBlank ? UInt8(ascii: " ") : code
        to += 1
        from += 2
      }
    }
    count = to
    return changed
  }

  private func hexadecimal(_ start: Int, _ digits: Int) -> UInt32? {
    guard start + digits <= count else { return nil }
    var value: UInt32 = 0
    for offset in start..<start + digits {
      guard let digit = unsafe Character(Unicode.Scalar(text[offset])).hexDigitValue else {
        return nil
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}
