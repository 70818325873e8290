/// The keys of the protocol that code looks at; all others that the protocol knows are `other`.
enum MCPKnownKey: UInt8, BitwiseCopyable {
  case name, uri, taskID, arguments, meta, protocolVersion, progressToken, clientInfo
  case requestID, requestState, ref, notifications, task
  case metaProtocolVersion, metaClientCapabilities, metaClientInfo
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
    // Nearly every key of a message is a protocol key, byte for byte.
    if let key = find(text.byteCount, { WireText.equals(text, $0) }) { return .known(key) }
    return readFolded(text)
  }

  @inline(never)
  private static func readFolded(_ text: RawSpan) -> MCPKey {
    var folded = FoldedKey()
    folded.fold(text)
    guard !folded.isTooLong, find(folded.count, { folded.equals($0) }) != nil else {
      return .foreign(isASCII: folded.isASCII)
    }
    return .misleading
  }

  /// The protocol key of `count` bytes that `matches` says it is.
  @inline(__always)
  private static func find(
    _ count: Int, _ matches: (StaticString) -> Bool
  ) -> MCPKnownKey? {
    switch count {
    case 2:
      if matches("id") { return .other }
    case 3:
      if matches("uri") { return .uri }
      if matches("ref") { return .ref }
      if matches("url") { return .other }
    case 4:
      if matches("name") { return .name }
      if matches("task") { return .task }
      if matches("code") { return .other }
      if matches("data") { return .other }
      if matches("mode") { return .other }
    case 5:
      if matches("error") { return .other }
      if matches("_meta") { return .meta }
      if matches("level") { return .other }
      if matches("total") { return .other }
      if matches("roots") { return .other }
    case 6:
      if matches("method") { return .other }
      if matches("params") { return .other }
      if matches("result") { return .other }
      if matches("cursor") { return .other }
      if matches("taskId") { return .taskID }
      if matches("reason") { return .other }
      if matches("action") { return .other }
    case 7:
      if matches("jsonrpc") { return .other }
      if matches("context") { return .other }
      if matches("message") { return .other }
      if matches("content") { return .other }
      if matches("isError") { return .other }
    case 8:
      if matches("argument") { return .other }
      if matches("progress") { return .other }
    case 9:
      if matches("arguments") { return .arguments }
      if matches("requestId") { return .requestID }
    case 10:
      if matches("clientInfo") { return .clientInfo }
      if matches("resultType") { return .other }
    case 12:
      if matches("capabilities") { return .other }
      if matches("requestState") { return .requestState }
    case 13:
      if matches("progressToken") { return .progressToken }
      if matches("notifications") { return .notifications }
      if matches("elicitationId") { return .other }
    case 14:
      if matches("inputResponses") { return .other }
    case 15:
      if matches("protocolVersion") { return .protocolVersion }
    case 17:
      if matches("structuredContent") { return .other }
    case 32:
      if matches("io.modelcontextprotocol/logLevel") { return .other }
    case 34:
      if matches("io.modelcontextprotocol/clientInfo") { return .metaClientInfo }
    case 36:
      if matches("io.modelcontextprotocol/related-task") { return .other }
    case 38:
      if matches("io.modelcontextprotocol/subscriptionId") { return .other }
    case 39:
      if matches("io.modelcontextprotocol/protocolVersion") { return .metaProtocolVersion }
    case 42:
      if matches("io.modelcontextprotocol/clientCapabilities") { return .metaClientCapabilities }
    default: break
    }
    return nil
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
