/// Why a document is not one the gateway reads. The rules are those of RFC 8259 with every freedom it leaves
/// decided, so that no two parsers can read the document differently.
public enum JSONViolationReason: UInt8, BitwiseCopyable, Sendable, CustomStringConvertible {
  case empty
  case documentTooLarge
  case byteOrderMark
  case invalidUTF8
  case controlCharacter
  case invalidEscape
  case invalidUnicodeEscape
  case loneSurrogate
  case unexpectedEnd
  case rootNotObject
  case expectedValue
  case expectedKey
  case expectedColon
  case expectedCommaOrClose
  case invalidNumber
  case numberTooLong
  case stringTooLong
  case tooDeep
  case duplicateKey
  case keyEndsWithNull
  case tooManyCollidingKeys
  case trailingBytes

  public var description: String {
    switch self {
    case .empty: "the document is empty"
    case .documentTooLarge: "the document is larger than the limit"
    case .byteOrderMark: "the document begins with a byte order mark"
    case .invalidUTF8: "not valid UTF-8"
    case .controlCharacter: "a control character inside a string"
    case .invalidEscape: "an escape JSON does not know"
    case .invalidUnicodeEscape: "\\u without four hexadecimal digits"
    case .loneSurrogate: "half a surrogate pair"
    case .unexpectedEnd: "the document ends too early"
    case .rootNotObject: "the document is not an object"
    case .expectedValue: "a value is expected here"
    case .expectedKey: "a key in double quotes is expected here"
    case .expectedColon: "a colon is expected here"
    case .expectedCommaOrClose: "a comma or the matching bracket is expected here"
    case .invalidNumber: "not a JSON number"
    case .numberTooLong: "the number is longer than the limit"
    case .stringTooLong: "the string is longer than the limit"
    case .tooDeep: "nested deeper than the limit"
    case .duplicateKey: "the object has this key twice"
    case .keyEndsWithNull: "the key ends with U+0000"
    case .tooManyCollidingKeys: "too many keys of the object collide"
    case .trailingBytes: "something follows the document"
    }
  }
}

/// A reason, and the offset in bytes from the document's start where it shows.
public struct JSONViolation: BitwiseCopyable, Equatable, Sendable {
  public var reason: JSONViolationReason
  public var offset: UInt32

  @inlinable
  public init(reason: JSONViolationReason, offset: UInt32) {
    self.reason = reason
    self.offset = offset
  }
}

/// How far a document that is read as it arrives has come.
public enum JSONProgress: Equatable, Sendable {
  /// Nothing wrong so far; the document is not complete.
  case more
  /// The whole document is valid and its cursors may be used.
  case complete
  case violation(JSONViolation)
}
