/// base64url without padding (RFC 4648 §5), strict: no other characters, no left-over bits.
@safe
package enum Base64URL {
  private static func digit(_ value: UInt32) -> UInt8 {
    switch value {
    case 0..<26: UInt8(65 + value)
    case 26..<52: UInt8(97 + value - 26)
    case 52..<62: UInt8(48 + value - 52)
    case 62: 45
    default: 95
    }
  }

  private static func value(_ digit: UInt8) -> UInt32? {
    switch digit {
    case 65...90: UInt32(digit - 65)
    case 97...122: UInt32(digit - 97 + 26)
    case 48...57: UInt32(digit - 48 + 52)
    case 45: 62
    case 95: 63
    default: nil
    }
  }

  /// Writes the text of `count` bytes; returns its length.
  package static func encode(
    _ bytes: UnsafePointer<UInt8>, count: Int, into target: UnsafeMutableRawPointer
  ) -> Int {
    var written = 0
    var held: UInt32 = 0
    var bits: UInt32 = 0
    func put(_ value: UInt32) {
      unsafe target.storeBytes(of: digit(value & 63), toByteOffset: written, as: UInt8.self)
      written += 1
    }
    for index in 0..<count {
      held = unsafe held << 8 | UInt32(bytes[index])
      bits += 8
      while bits >= 6 {
        bits -= 6
        put(held >> bits)
      }
      held &= (1 << bits) - 1
    }
    if bits > 0 { put(held << (6 - bits)) }
    return written
  }

  /// The text of some bytes.
  package static func text(_ bytes: [UInt8]) -> String {
    let length = (bytes.count * 4 + 2) / 3
    return unsafe String(unsafeUninitializedCapacity: length) { buffer in
      unsafe bytes.withUnsafeBufferPointer { source in
        guard let start = source.baseAddress, let target = buffer.baseAddress else { return 0 }
        return unsafe encode(start, count: source.count, into: target)
      }
    }
  }

  /// Writes the bytes of a text, at most three for every four characters; returns how many, or nil when it is not
  /// base64url.
  package static func decode(_ text: RawSpan, into target: UnsafeMutablePointer<UInt8>) -> Int? {
    var written = 0
    var held: UInt32 = 0
    var bits: UInt32 = 0
    for offset in 0..<text.byteCount {
      let byte = unsafe text.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      guard let value = value(byte) else { return nil }
      held = held << 6 | value
      bits += 6
      if bits >= 8 {
        bits -= 8
        unsafe target[written] = UInt8(truncatingIfNeeded: held >> bits)
        written += 1
        held &= (1 << bits) - 1
      }
    }
    return bits < 6 && held == 0 ? written : nil
  }
}
