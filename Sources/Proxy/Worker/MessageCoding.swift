internal import Wire

// How messages between workers and the control plane are laid out: numbers in eight bytes, texts behind their length. Both
// ends are in one process: there is no order of bytes to agree on.

extension ByteWriter {
  mutating func append(number: UInt64) {
    var rest = number
    for _ in 0..<8 {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func append(field text: RawSpan) {
    append(number: UInt64(text.byteCount))
    append(text)
  }

  /// A text, cut after `most` bytes.
  mutating func append(field text: String, most: Int) {
    let bytes = Array(text.utf8.prefix(most))
    append(field: unsafe bytes.span.bytes)
  }
}

/// Reads what the functions above wrote.
struct MessageReader: ~Escapable {
  private let bytes: RawSpan
  private var at = 0

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) {
    self.bytes = bytes
  }

  mutating func number() -> UInt64 {
    var result: UInt64 = 0
    for place in 0..<8 {
      let byte = unsafe bytes.unsafeLoad(fromByteOffset: at &+ place, as: UInt8.self)
      result |= UInt64(byte) << UInt64(place &* 8)
    }
    at &+= 8
    return result
  }

  @_lifetime(copy self)
  mutating func field() -> RawSpan {
    let count = Int(number())
    let text = bytes.extracting(at..<at &+ count)
    at &+= count
    return text
  }

  mutating func text() -> String {
    let span = field()
    return unsafe span.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
