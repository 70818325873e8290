import Wire

// Base64 in the protocol's skeleton: the blob of a resource, the data of an image. What it holds is masked like text, and
// encoded again. Pictures and sounds hold no fields; they stay as they are, unless the name of a masked field stands in
// quotes in them.

extension Masker {
  /// Masks inside the Base64 string with these contents. Writes the new contents (without quotes) and returns how many
  /// values were replaced; returns 0, with nothing of worth written, when the string can stay as it is.
  mutating func maskEncoded(
    _ contents: RawSpan, tables: MaskTables, watch: borrowing JSONWatch, active: MaskRuleSet,
    into writer: inout MaskWriter
  ) -> Int {
    let inner = 1
    unsafe levels[inner].unescape(contents)
    unsafe levels[inner].decodeBase64()
    let start = unsafe UnsafeRawPointer(levels[inner].text)
    let text = unsafe RawSpan(_unsafeStart: start, byteCount: levels[inner].textCount)
    guard MaskedNameSearch.mayBeJSON(text), unsafe indexes[inner].read(text, watch: watch) == nil
    else {
      guard unsafe search.finds(text, tables: tables, active: active) else { return 0 }
      unsafe writer.appendBase64(Self.noticeBytes)
      return 1
    }
    let nestedIndex = unsafe indexes + inner
    guard unsafe nestedIndex.pointee.hitCount > 0 else { return 0 }
    // Nothing of a path leads into it from outside.
    unsafe levels[inner].forgetReached(tables.fields.count)
    unsafe levels[inner].reserveOutput(
      Masker.room(bytes: text.byteCount, index: nestedIndex.pointee))
    var nested = unsafe MaskWriter(
      into: levels[inner].output, capacity: levels[inner].outputCapacity)
    let values = unsafe mask(
      text, nestedIndex.pointee, level: inner, tables: tables, watch: watch, active: active,
      into: &nested)
    guard values > 0 else { return 0 }
    guard unsafe !nested.overflowed else {
      unsafe writer.appendBase64(Self.noticeBytes)
      return 1
    }
    let masked = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(levels[inner].output), byteCount: nested.count)
    unsafe writer.appendBase64(masked)
    return values
  }

  static var noticeBytes: RawSpan {
    @_lifetime(immortal)
    get {
      let text = notice
      let span = unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount)
      return unsafe _overrideLifetime(span, copying: ())
    }
  }
}

extension MaskLevel {
  /// Decodes the text in place, as the most lenient reader would: either alphabet, whatever else stands between.
  mutating func decodeBase64() {
    var bits: UInt32 = 0
    var bitCount = 0
    let count = unsafe Base64Lenient.decode(text, textCount, &bits, &bitCount)
    shorten(to: count)
  }
}

enum Base64Lenient {
  /// Decodes `count` characters in place and returns how many bytes that made. A padding character begins anew, since
  /// some readers go on behind it.
  static func decode(
    _ text: UnsafeMutablePointer<UInt8>, _ count: Int, _ bits: inout UInt32, _ bitCount: inout Int
  ) -> Int {
    var written = 0
    for offset in 0..<count {
      let character = unsafe text[offset]
      guard let value = value(character) else {
        if character == UInt8(ascii: "=") { (bits, bitCount) = (0, 0) }
        continue
      }
      bits = bits << 6 | UInt32(value)
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        unsafe text[written] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
        written += 1
      }
    }
    return written
  }

  private static func value(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }

  static func letter(_ value: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: value & 63)
    return switch value {
    case 0..<26: UInt8(ascii: "A") + value
    case 26..<52: UInt8(ascii: "a") + (value - 26)
    case 52..<62: UInt8(ascii: "0") + (value - 52)
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }
}

extension MaskWriter {
  /// Writes bytes in Base64 (RFC 4648 §4), with padding.
  mutating func appendBase64(_ bytes: RawSpan) {
    let count = bytes.byteCount
    guard let place = unsafe claim((count + 2) / 3 * 4) else { return }
    var at = 0
    for start in stride(from: 0, to: count, by: 3) {
      var bits: UInt32 = 0
      for offset in 0..<3 {
        let byte =
          start + offset < count
          ? unsafe bytes.unsafeLoad(fromByteOffset: start + offset, as: UInt8.self) : 0
        bits = bits << 8 | UInt32(byte)
      }
      for character in 0..<4 {
        let isPadding = start + character > count
        let letter =
          isPadding ? UInt8(ascii: "=") : Base64Lenient.letter(bits >> UInt32(18 - 6 * character))
        unsafe place.storeBytes(of: letter, toByteOffset: at + character, as: UInt8.self)
      }
      at += 4
    }
  }

  /// Copies bytes as they are.
  mutating func append(_ bytes: RawSpan) {
    guard let place = unsafe claim(bytes.byteCount) else { return }
    unsafe bytes.withUnsafeBytes { buffer in
      if let start = buffer.baseAddress {
        unsafe place.copyMemory(from: start, byteCount: buffer.count)
      }
    }
  }
}
