/// Compares what a header says with a string of the body (mcp-wire §3.4).
///
/// A value that a header cannot carry as it is comes as `=?base64?…?=`, canonical Base64 of its UTF-8. Anything that has not
/// both markers is taken literally. The comparison is by bytes.
///
/// Example: `=?base64?w6k=?=` equals the string `"\u00e9"`.
enum HeaderText {
  static func equals(
    _ header: RawSpan, _ string: JSONToken, in bytes: RawSpan, index: borrowing JSONIndex
  ) -> Bool {
    guard let encoded = encodedPart(header) else {
      return index.equals(string, utf8: header, in: bytes)
    }
    return index.withText(string, in: bytes) {
      Self.base64(header.extracting(encoded), decodesTo: $0)
    }
  }

  /// What stands between the markers, or nil when they are not both there.
  private static func encodedPart(_ header: RawSpan) -> Range<Int>? {
    let prefix: StaticString = "=?base64?"
    let start = prefix.utf8CodeUnitCount
    let end = header.byteCount - 2
    guard end >= start, header[byte: end] == 0x3f, header[byte: end + 1] == 0x3d,
      WireText.equals(header.extracting(0..<start), prefix)
    else { return nil }
    return start..<end
  }

  /// Whether `encoded` is the one canonical Base64 (RFC 4648 §4, padded) of `text`: encodes the text and compares.
  static func base64(_ encoded: RawSpan, decodesTo text: RawSpan) -> Bool {
    let count = text.byteCount
    guard encoded.byteCount == (count + 2) / 3 * 4 else { return false }
    var at = 0
    for start in stride(from: 0, to: count, by: 3) {
      let group = self.group(text, start)
      for character in 0..<4 where encoded[byte: at + character] != group[character] {
        return false
      }
      at += 4
    }
    return true
  }

  /// The four characters that stand for up to three bytes from `start` on.
  static func group(_ text: RawSpan, _ start: Int) -> InlineArray<4, UInt8> {
    let rest = text.byteCount - start
    let first = UInt32(text[byte: start]) << 16
    let second = rest > 1 ? UInt32(text[byte: start + 1]) << 8 : 0
    let third = rest > 2 ? UInt32(text[byte: start + 2]) : 0
    let bits = first | second | third
    return [
      letter(bits >> 18 & 63), letter(bits >> 12 & 63), rest > 1 ? letter(bits >> 6 & 63) : 0x3d,
      rest > 2 ? letter(bits & 63) : 0x3d,
    ]
  }

  private static func letter(_ value: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: value)
    switch value {
    case 0..<26: return 0x41 + value
    case 26..<52: return 0x61 + (value - 26)
    case 52..<62: return 0x30 + (value - 52)
    case 62: return 0x2b
    default: return 0x2f
    }
  }

  /// Whether a string can stand in a header as it is: visible ASCII and inner spaces, and not looking encoded.
  static func isPlain(_ text: RawSpan) -> Bool {
    let count = text.byteCount
    guard count > 0, text[byte: 0] != 0x20, text[byte: count - 1] != 0x20 else { return false }
    for offset in 0..<count where text[byte: offset] < 0x20 || text[byte: offset] > 0x7e {
      return false
    }
    return encodedPart(text) == nil
  }
}

extension HTTPWriter {
  /// Writes the headers that repeat a modern request's version, method and name, from the body that is sent (mcp-wire
  /// §3.4), never from the headers that came.
  /// - Parameter listedName: the name that came with a method beyond the protocol, where one did: it was found to repeat one
  ///   of the params.
  /// - Returns: false when something cannot stand in a field.
  @discardableResult
  public static func modernFields(
    _ message: MCPMessage, _ bytes: RawSpan, index: borrowing JSONIndex, listedName: RawSpan,
    into out: inout ByteWriter
  ) -> Bool {
    field("MCP-Protocol-Version", ProtocolVersion.v2026_07_28.name, into: &out)
    guard message.method != .unknown else {
      return listedFields(message, bytes, index, listedName, &out)
    }
    field("Mcp-Method", message.method.name, into: &out)
    guard let identity = message.identity else { return true }
    index.withText(identity, in: bytes) { text in
      out.append("Mcp-Name: ")
      if HeaderText.isPlain(text) {
        out.append(text)
      } else {
        out.append("=?base64?")
        for start in stride(from: 0, to: text.byteCount, by: 3) {
          let group = HeaderText.group(text, start)
          for character in 0..<4 { out.append(group[character]) }
        }
        out.append("?=")
      }
      out.append("\r\n")
    }
    return true
  }

  private static func listedFields(
    _ message: MCPMessage, _ bytes: RawSpan, _ index: borrowing JSONIndex, _ name: RawSpan,
    _ out: inout ByteWriter
  ) -> Bool {
    guard let method = message.methodToken else { return false }
    let isWritten = index.withText(method, in: bytes) { field("Mcp-Method", $0, into: &out) }
    return isWritten && (name.byteCount == 0 || field("Mcp-Name", name, into: &out))
  }
}
