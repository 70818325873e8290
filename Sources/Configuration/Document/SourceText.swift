import Policy

/// The configuration file's text, checked to be text, with its lines at hand for error messages.
struct SourceText {
  /// Largest configuration file in bytes: a thousand servers with ten thousand rules fit.
  static let bytesMax = 4 << 20

  /// The name to print, as the person gave it.
  var name: String
  var text: String
  var lines: [Substring]
  /// How the file was just before it was read; nil for a text that is from no file.
  var stamp: FileStamp?

  init(name: String, text: String) {
    self.name = name
    self.text = text
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.hasSuffix("\r") ? $0.dropLast() : $0 }
  }

  /// Checks that the bytes are text a person can read; nil with an issue when they are not.
  static func decode(_ bytes: [UInt8], name: String, issues: inout [ConfigurationIssue])
    -> SourceText?
  {
    guard bytes.count <= bytesMax else {
      issues.append(
        .init(
          path: "",
          message: "the file is larger than \(ByteSize.text(bytesMax)); is it the right one?"))
      return nil
    }
    if let place = bytes.firstIndex(where: { isForbidden($0) }) {
      let what = bytes[place] == 0 ? "a NUL byte" : "the control character \(bytes[place])"
      issues.append(
        .init(
          origin: origin(of: place, in: bytes), path: "",
          message: "\(what) stands here; a configuration is plain UTF-8 text"))
      return nil
    }
    // The mark that some editors put at the beginning says nothing that is not known.
    let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
    guard let text = String(validating: content, as: UTF8.self) else {
      issues.append(
        .init(
          origin: origin(of: firstInvalid(in: bytes), in: bytes), path: "",
          message: "this is not UTF-8; save the file as UTF-8"))
      return nil
    }
    return SourceText(name: name, text: text)
  }

  private static func isForbidden(_ byte: UInt8) -> Bool {
    byte < 0x20 && byte != 0x09 && byte != 0x0A && byte != 0x0D || byte == 0x7F
  }

  /// Offset of the first byte that no valid UTF-8 prefix covers.
  private static func firstInvalid(in bytes: [UInt8]) -> Int {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var valid = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) {
      valid += UTF8.width(scalar)
    }
    return min(valid, max(0, bytes.count - 1))
  }

  private static func origin(of offset: Int, in bytes: [UInt8]) -> Node.Origin {
    let before = bytes[..<offset]
    let line = before.count { $0 == 0x0A } + 1
    let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let column = String(decoding: bytes[start..<offset], as: UTF8.self).unicodeScalars.count + 1
    return .file(.init(line: line, column: column))
  }
}
