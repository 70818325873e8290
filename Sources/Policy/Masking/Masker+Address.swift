import Wire

// URLs that servers send people to (elicitation): what stands in their parameters is data, and named.

extension Masker {
  /// Masks the parameters of the URL `value`, in its query and its fragment, whose names are masked fields, or whose values
  /// name one in quotes. Writes the new contents of the string (without quotes) and returns how many values were replaced;
  /// returns 0, with nothing of worth written, when the string can stay as it is.
  ///
  ///     https://pay.example/form?email=ann%40example.com&lang=de    becomes    …?email=***&lang=de
  mutating func maskAddress(
    _ value: JSONToken, _ bytes: RawSpan, _ index: borrowing JSONIndex, tables: MaskTables,
    active: MaskRuleSet, into writer: inout MaskWriter
  ) -> Int {
    let inner = 1
    unsafe levels[inner].unescape(bytes.extracting(index.contents(of: value).range))
    let start = unsafe UnsafeRawPointer(levels[inner].text)
    let text = unsafe RawSpan(_unsafeStart: start, byteCount: levels[inner].textCount)
    var copied = 0
    var values = 0
    // A path has no names.
    var at = AddressText.end(of: text, from: 0) {
      $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#")
    }
    while at < text.byteCount {
      let name = at &+ 1
      let nameEnd = AddressText.end(of: text, from: name) {
        AddressText.isSeparator($0) || $0 == UInt8(ascii: "=")
      }
      at = AddressText.end(of: text, from: nameEnd, AddressText.isSeparator)
      guard nameEnd &+ 1 < at else { continue }
      let isField =
        unsafe search.names(text.extracting(name..<nameEnd), tables: tables, active: active)
        || search.finds(
          encoded: text.extracting(nameEnd &+ 1..<at), tables: tables, active: active)
      guard isField else { continue }
      unsafe writer.appendEscaped(text.extracting(copied..<nameEnd &+ 1))
      unsafe writer.append("***")
      copied = at
      values &+= 1
    }
    if values > 0 { unsafe writer.appendEscaped(text.extracting(copied..<text.byteCount)) }
    return values
  }
}

/// The parameters of a URL, as forms write them.
private enum AddressText {
  static func isSeparator(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "&") || byte == UInt8(ascii: ";") || byte == UInt8(ascii: "#")
      || byte == UInt8(ascii: "?")
  }

  /// Where the first byte at or behind `start` is that `isEnd` knows, or the text ends.
  static func end(of text: RawSpan, from start: Int, _ isEnd: (UInt8) -> Bool) -> Int {
    var at = start
    while at < text.byteCount, !isEnd(text.unsafeLoadByte(at)) { at &+= 1 }
    return at
  }
}

extension RawSpan {
  fileprivate func unsafeLoadByte(_ offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }
}
