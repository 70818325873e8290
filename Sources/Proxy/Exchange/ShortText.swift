internal import Wire

/// A text of at most 272 bytes, kept in place: a JSON-RPC id as it came, quotes and all, or a server's session id.
///
/// Ids are bounded when they are read (256 bytes), so their literals fit unless they are full of escapes.
@safe
struct ShortText: BitwiseCopyable {
  static var bytesMax: Int { 272 }

  private var bytes = InlineArray<272, UInt8>(repeating: 0)
  private(set) var count = 0

  init() {}

  var isEmpty: Bool { count == 0 }

  /// Keeps a copy; false, and nothing is kept, when the text is too long.
  mutating func set(_ text: RawSpan) -> Bool {
    guard text.byteCount <= ShortText.bytesMax else { return false }
    for offset in 0..<text.byteCount {
      bytes[offset] = unsafe text.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }
    count = text.byteCount
    return true
  }

  var span: RawSpan {
    @_lifetime(borrow self)
    get {
      let all = unsafe bytes.span.bytes
      return unsafe _overrideLifetime(all.extracting(first: count), borrowing: self)
    }
  }
}
