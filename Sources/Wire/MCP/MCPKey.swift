/// The keys of the protocol that code looks at; all others that the protocol knows are `other`.
enum MCPKnownKey: UInt8, BitwiseCopyable {
  case name, uri, taskID, arguments, meta, protocolVersion, progressToken
  case metaProtocolVersion, metaClientCapabilities
  case other
}

/// What a key of a protocol object is.
///
/// Some servers match keys without regard to case, some normalise them first (mcp-wire §6.2). A key that such a server takes
/// for a protocol key, and that a strict reader does not, would be judged as one thing and executed as another. So it is
/// refused: `Name`, `param\u{17f}` (long s), `to\u{212a}en` (kelvin sign), `\u{ff4e}ame` (fullwidth n).
enum MCPKey: BitwiseCopyable, Equatable {
  /// A protocol key, byte for byte.
  case known(MCPKnownKey)
  /// Folds to a protocol key and is not it.
  case misleading
  /// Nothing the protocol knows.
  case foreign(isASCII: Bool)

  /// The longest protocol key.
  static var bytesMax: Int { 48 }

  /// - Parameter text: the key, unescaped.
  static func read(_ text: RawSpan) -> MCPKey {
    var folded = FoldedKey()
    folded.fold(text)
    guard !folded.isTooLong else { return .foreign(isASCII: folded.isASCII) }
    return candidates(text, folded)
  }

  private static func candidates(_ text: RawSpan, _ folded: borrowing FoldedKey) -> MCPKey {
    var found = MCPKey.foreign(isASCII: folded.isASCII)
    func compare(_ name: StaticString, _ key: MCPKnownKey = .other) {
      guard folded.equals(name) else { return }
      found = WireText.equals(text, name) ? .known(key) : .misleading
    }
    switch folded.count {
    case 2:
      compare("id")
    case 3:
      compare("uri", .uri)
      compare("ref")
      compare("url")
    case 4:
      compare("name", .name)
      compare("task")
      compare("code")
      compare("data")
      compare("mode")
    case 5:
      compare("error")
      compare("_meta", .meta)
      compare("level")
      compare("total")
      compare("roots")
    case 6:
      compare("method")
      compare("params")
      compare("result")
      compare("cursor")
      compare("taskId", .taskID)
      compare("reason")
      compare("action")
    case 7:
      compare("jsonrpc")
      compare("context")
      compare("message")
      compare("content")
      compare("isError")
    case 8:
      compare("argument")
      compare("progress")
    case 9:
      compare("arguments", .arguments)
      compare("requestId")
    case 10:
      compare("clientInfo")
      compare("resultType")
    case 12:
      compare("capabilities")
      compare("requestState")
    case 13:
      compare("progressToken", .progressToken)
      compare("notifications")
      compare("elicitationId")
    case 14:
      compare("inputResponses")
    case 15:
      compare("protocolVersion", .protocolVersion)
    case 17:
      compare("structuredContent")
    case 32:
      compare("io.modelcontextprotocol/logLevel")
    case 34:
      compare("io.modelcontextprotocol/clientInfo")
    case 36:
      compare("io.modelcontextprotocol/related-task")
    case 38:
      compare("io.modelcontextprotocol/subscriptionId")
    case 39:
      compare("io.modelcontextprotocol/protocolVersion", .metaProtocolVersion)
    case 42:
      compare("io.modelcontextprotocol/clientCapabilities", .metaClientCapabilities)
    default: break
    }
    return found
  }
}

/// A key folded the way a lenient server might: ASCII letters to lower case, long s, kelvin sign and fullwidth forms to the
/// ASCII characters they are compatible with. Other characters stay: no protocol key has any.
struct FoldedKey {
  private var bytes = InlineArray<48, UInt8>(repeating: 0)
  private(set) var count = 0
  private(set) var isASCII = true
  private(set) var isTooLong = false

  mutating func fold(_ text: RawSpan) {
    var at = 0
    while at < text.byteCount {
      let byte = text[byte: at]
      if byte < 0x80 {
        append(Self.lower(byte))
        at += 1
        continue
      }
      isASCII = false
      // The index has proved the text to be UTF-8, so a lead byte has its continuation bytes.
      let length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
      if let plain = Self.compatible(text, at, length) {
        append(Self.lower(plain))
      } else {
        for offset in at..<min(at + length, text.byteCount) { append(text[byte: offset]) }
      }
      at += length
    }
  }

  private mutating func append(_ byte: UInt8) {
    guard count < 48 else {
      isTooLong = true
      return
    }
    bytes[count] = byte
    count += 1
  }

  /// The ASCII character that the character at `at` is compatible with, if any.
  private static func compatible(_ text: RawSpan, _ at: Int, _ length: Int) -> UInt8? {
    guard at + length <= text.byteCount else { return nil }
    let first = text[byte: at]
    let second = text[byte: at + 1]
    if length == 2 { return first == 0xc5 && second == 0xbf ? 0x73 : nil }
    guard length == 3 else { return nil }
    let third = text[byte: at + 2]
    if first == 0xe2 && second == 0x84 && third == 0xaa { return 0x6b }
    // U+FF01 to U+FF5E stand for U+0021 to U+007E.
    guard first == 0xef, second == 0xbc || second == 0xbd else { return nil }
    let scalar = 0xf000 | UInt32(second & 0x3f) << 6 | UInt32(third & 0x3f)
    guard scalar >= 0xff01 && scalar <= 0xff5e else { return nil }
    return UInt8(scalar - 0xfee0)
  }

  private static func lower(_ byte: UInt8) -> UInt8 {
    byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
  }

  /// Whether this is `name` with its ASCII letters in lower case.
  func equals(_ name: StaticString) -> Bool {
    guard count == name.utf8CodeUnitCount else { return false }
    for index in 0..<count {
      let expected = unsafe name.utf8Start[index]
      if bytes[index] != Self.lower(expected) { return false }
    }
    return true
  }
}
