// Cursors over a document that was read. They take the document's bytes again, which must be the ones that were read;
// a span that is too short or a token of another document is a programmer's mistake and traps.

extension JSONIndex {
  /// Number of tokens of the document.
  public var tokenCount: Int { count }

  /// The document's outermost value.
  public var root: JSONToken { JSONToken(0) }

  /// Offset of the token's first byte.
  @inline(__always)
  func position(_ token: JSONToken) -> Int {
    precondition(Int(token.index) < count, "a token of another document")
    return unsafe Int(positions[Int(token.index)])
  }

  @inline(__always)
  func link(_ token: JSONToken) -> UInt32 {
    precondition(Int(token.index) < count, "a token of another document")
    return unsafe links[Int(token.index)]
  }

  @inline(__always)
  func byte(_ token: JSONToken, in bytes: RawSpan) -> UInt8 {
    unsafe bytes.unsafeLoad(fromByteOffset: position(token), as: UInt8.self)
  }

  /// What kind of value starts at `token`.
  public func kind(of token: JSONToken, in bytes: RawSpan) -> JSONKind {
    switch byte(token, in: bytes) {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "t"): .true
    case UInt8(ascii: "f"): .false
    case UInt8(ascii: "n"): .null
    default: .number
    }
  }

  /// The bytes of a value or key, with quotes or brackets.
  @inline(__always)
  public func range(of token: JSONToken) -> ByteRange {
    let start = position(token)
    let link = link(token)
    let end: Int
    if link & Self.containerTag != 0 {
      end = position(JSONToken(link & ~Self.containerTag)) &+ 1
    } else {
      end = Int(link) &+ 1
    }
    return ByteRange(start..<end)
  }

  /// The bytes between a string's quotes, as they are in the document.
  @inline(__always)
  public func contents(of string: JSONToken) -> ByteRange {
    let start = UInt32(truncatingIfNeeded: position(string) &+ 1)
    let end = link(string)
    return ByteRange(offset: start, count: end > start ? end &- start : 0)
  }

  /// The first key of an object, or nil when it is empty.
  public func firstMember(of object: JSONToken, in bytes: RawSpan) -> JSONToken? {
    let first = JSONToken(object.index &+ 1)
    return byte(first, in: bytes) == UInt8(ascii: "\"") ? first : nil
  }

  /// The key after `key` in the same object, or nil.
  public func nextMember(after key: JSONToken, in bytes: RawSpan) -> JSONToken? {
    nextElement(after: value(ofKey: key), in: bytes)
  }

  /// Where a member's name and value are, at once, for whoever walks many of them.
  public func member(ofKey key: JSONToken) -> JSONMember {
    let at = Int(key.index)
    precondition(at &+ 2 < count, "a token of another document")
    let nameFirst = unsafe positions[at] &+ 1
    return unsafe JSONMember(
      nameFirst: nameFirst, nameCount: links[at] &- nameFirst, hash: links[at &+ 1],
      valueFirst: positions[at &+ 2], valueLast: links[at &+ 2])
  }

  /// The value that belongs to a key.
  @inline(__always)
  public func value(ofKey key: JSONToken) -> JSONToken { JSONToken(key.index &+ 2) }

  /// The first element of an array, or nil when it is empty.
  public func firstElement(of array: JSONToken, in bytes: RawSpan) -> JSONToken? {
    let first = JSONToken(array.index &+ 1)
    return byte(first, in: bytes) == UInt8(ascii: "]") ? nil : first
  }

  /// The element after `element` in the same array, or nil.
  public func nextElement(after element: JSONToken, in bytes: RawSpan) -> JSONToken? {
    let after = tokenAfter(element)
    guard Int(after.index) < count, byte(after, in: bytes) == UInt8(ascii: ",") else { return nil }
    return JSONToken(after.index &+ 1)
  }

  /// The value of the member called `name` (compared unescaped), or nil.
  public func member(
    _ name: StaticString, of object: JSONToken, in bytes: RawSpan
  ) -> JSONToken? {
    var key = firstMember(of: object, in: bytes)
    while let here = key {
      if equals(here, name, in: bytes) { return value(ofKey: here) }
      key = nextMember(after: here, in: bytes)
    }
    return nil
  }

  /// The object or array that directly holds the object or array at `container`; nil for the root.
  public func parent(ofContainer container: JSONToken) -> JSONToken? {
    let closing = link(container)
    precondition(closing & Self.containerTag != 0, "not an object or array")
    let parent = link(JSONToken(closing & ~Self.containerTag)) & ~Self.containerTag
    return parent == Self.noParent ? nil : JSONToken(parent)
  }

  /// The key whose value starts at `value`; nil for elements of arrays and for the root.
  public func key(ofValue value: JSONToken, in bytes: RawSpan) -> JSONToken? {
    guard value.index >= 2,
      byte(JSONToken(value.index &- 1), in: bytes) == UInt8(ascii: ":")
    else { return nil }
    return JSONToken(value.index &- 2)
  }

  /// The token after the whole value at `value`: a comma, a closing bracket, or one past the last token.
  @inline(__always)
  public func tokenAfter(_ value: JSONToken) -> JSONToken {
    let link = link(value)
    return link & Self.containerTag != 0
      ? JSONToken((link & ~Self.containerTag) &+ 1) : JSONToken(value.index &+ 1)
  }

  /// The first string, number or literal after `token` that is not a key, at whatever depth; nil at the end.
  public func nextLeaf(after token: JSONToken, in bytes: RawSpan) -> JSONToken? {
    var next = Int(token.index) &+ 1
    while next < count {
      let here = JSONToken(next)
      switch byte(here, in: bytes) {
      case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"),
        UInt8(ascii: ","), UInt8(ascii: ":"):
        next &+= 1
      case UInt8(ascii: "\""):
        let after = next &+ 1
        if after < count, byte(JSONToken(after), in: bytes) == UInt8(ascii: ":") {
          next &+= 2
        } else {
          return here
        }
      default: return here
      }
    }
    return nil
  }

  /// The case-folded hash of a key's unescaped name, comparable with `JSONWatch.hash(of:)`.
  @inline(__always)
  public func keyHash(_ key: JSONToken) -> UInt32 { link(JSONToken(key.index &+ 1)) }

  /// What was noted while reading, in the order of the document.
  @inline(__always)
  public func hit(_ number: Int) -> JSONHit {
    precondition(number >= 0 && number < hitCount)
    return unsafe hits[number]
  }
}
