/// A place in a `JSONIndex`: a value, a key or a bracket. Means something only to the index that gave it out, and
/// only until that index reads another document.
@frozen
public struct JSONToken: BitwiseCopyable, Hashable, Sendable {
  public var index: UInt32

  @inlinable
  init(_ index: UInt32) { self.index = index }

  @inlinable
  init(_ index: Int) { self.index = UInt32(truncatingIfNeeded: index) }
}

public enum JSONKind: UInt8, Sendable {
  case object, array, string, number
  case `true`, `false`, null
}

/// Something a mask may care about, noted while the document was read.
@frozen
public struct JSONHit: BitwiseCopyable, Sendable {
  public enum Kind: UInt8, Sendable {
    /// A key whose name may be watched (the filter has false positives).
    case key
    /// A string value with a backslash or an apostrophe in it: without one of them no quoted name, and so no JSON
    /// with a key, can hide in a string.
    case text
  }

  @usableFromInline let tokenAndKind: UInt32
  /// The object or array that directly holds the key or string.
  public let container: JSONToken

  @inlinable
  init(_ kind: Kind, _ token: Int, container: UInt32) {
    self.tokenAndKind = UInt32(truncatingIfNeeded: token) << 1 | UInt32(kind.rawValue)
    self.container = JSONToken(container)
  }

  /// The key, or the string value.
  @inlinable
  public var token: JSONToken { JSONToken(tokenAndKind >> 1) }

  @inlinable
  public var kind: Kind { tokenAndKind & 1 == 0 ? .key : .text }
}

/// Where a member is in the document.
public struct JSONMember: BitwiseCopyable, Sendable {
  /// The name's first byte, behind the quote, and its length as it is written.
  public let nameFirst: UInt32
  public let nameCount: UInt32
  /// See `JSONIndex.keyHash`.
  public let hash: UInt32
  /// The value's first byte, and the last one of strings (their quotes), numbers and literals.
  public let valueFirst: UInt32
  public let valueLast: UInt32
}
