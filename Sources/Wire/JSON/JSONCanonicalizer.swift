/// Why a value has no canonical form.
public enum JSONCanonicalRefusal: UInt8, Error, BitwiseCopyable, Equatable {
  /// A number that IEEE 754 doubles cannot hold as it is written.
  case inexactNumber
  /// The canonical form does not fit where it should go.
  case tooLong
}

/// Writes values of a document that was read in the canonical form of RFC 8785: no blanks, keys in the order of their UTF-16
/// code units, strings with the fewest escapes, numbers as ECMAScript prints doubles. Two texts with the same meaning have the
/// same canonical form, byte for byte.
///
///     { "b": 1.0, "a": "\u00e9\/" }   becomes   {"a":"é/","b":1}
///
/// It keeps its working memory, which grows to the largest object seen: one per worker.
@safe
public struct JSONCanonicalizer: ~Copyable {
  /// A member of an object that is being written: its key's token, and where its unescaped key is in `text`.
  private struct Member {
    var key: JSONToken
    var start: UInt32
    var count: UInt32
  }

  /// The members of the objects around the place that is being written, each object's sorted: a stack.
  private var members: [Member] = []
  /// Their unescaped keys, end to end.
  private var text: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private var used = 0

  public init() {
    capacity = 4096
    unsafe text = .allocate(capacity: capacity)
  }

  deinit { unsafe text.deallocate() }

  /// Writes the value at `token`.
  /// - Parameter excludes: says of a key, and the object that holds it, whether the member is left out.
  /// - Returns: nil when all of it was written.
  public mutating func write(
    _ token: JSONToken, of index: borrowing JSONIndex, in bytes: RawSpan,
    excluding excludes: (_ key: JSONToken, _ object: JSONToken) -> Bool = { _, _ in false },
    into out: inout ByteWriter
  ) -> JSONCanonicalRefusal? {
    members.removeAll(keepingCapacity: true)
    used = 0
    // Unescaping never makes a key longer, so that all keys fit into as many bytes as the document has.
    reserve(bytes.byteCount)
    if let refusal = put(token, index, bytes, excludes, &out) { return refusal }
    return out.overflowed ? .tooLong : nil
  }

  private mutating func reserve(_ count: Int) {
    guard count > capacity else { return }
    unsafe text.deallocate()
    capacity = count
    unsafe text = .allocate(capacity: capacity)
  }

  // Nesting is bounded by the index (`JSONLimits.depthMax`), and with it this recursion.
  private mutating func put(
    _ token: JSONToken, _ index: borrowing JSONIndex, _ bytes: RawSpan,
    _ excludes: (JSONToken, JSONToken) -> Bool, _ out: inout ByteWriter
  ) -> JSONCanonicalRefusal? {
    guard !out.overflowed else { return .tooLong }
    switch index.kind(of: token, in: bytes) {
    case .object: return putObject(token, index, bytes, excludes, &out)
    case .array: return putArray(token, index, bytes, excludes, &out)
    case .string:
      index.withText(token, in: bytes) { quote($0, &out) }
    case .number:
      let isSame = JSONNumberText.write(
        literal: bytes.extracting(index.range(of: token).range),
        value: index.double(token, in: bytes), into: &out)
      guard isSame else { return .inexactNumber }
    case .true: out.append("true")
    case .false: out.append("false")
    case .null: out.append("null")
    }
    return nil
  }

  private mutating func putArray(
    _ array: JSONToken, _ index: borrowing JSONIndex, _ bytes: RawSpan,
    _ excludes: (JSONToken, JSONToken) -> Bool, _ out: inout ByteWriter
  ) -> JSONCanonicalRefusal? {
    out.append(UInt8(ascii: "["))
    var element = index.firstElement(of: array, in: bytes)
    var isFirst = true
    while let here = element {
      if !isFirst { out.append(UInt8(ascii: ",")) }
      isFirst = false
      if let refusal = put(here, index, bytes, excludes, &out) { return refusal }
      element = index.nextElement(after: here, in: bytes)
    }
    out.append(UInt8(ascii: "]"))
    return nil
  }

  private mutating func putObject(
    _ object: JSONToken, _ index: borrowing JSONIndex, _ bytes: RawSpan,
    _ excludes: (JSONToken, JSONToken) -> Bool, _ out: inout ByteWriter
  ) -> JSONCanonicalRefusal? {
    let first = members.count
    let firstByte = used
    defer {
      members.removeLast(members.count - first)
      used = firstByte
    }
    var key = index.firstMember(of: object, in: bytes)
    while let here = key {
      if !excludes(here, object) { add(here, index, bytes) }
      key = index.nextMember(after: here, in: bytes)
    }
    sort(from: first)
    out.append(UInt8(ascii: "{"))
    for place in first..<members.count {
      if place > first { out.append(UInt8(ascii: ",")) }
      let member = members[place]
      quote(unescaped(member), &out)
      out.append(UInt8(ascii: ":"))
      let value = index.value(ofKey: member.key)
      if let refusal = put(value, index, bytes, excludes, &out) { return refusal }
    }
    out.append(UInt8(ascii: "}"))
    return nil
  }

  private mutating func add(_ key: JSONToken, _ index: borrowing JSONIndex, _ bytes: RawSpan) {
    var writer = unsafe ByteWriter(unsafeInto: text + used, capacity: capacity - used)
    index.decode(key, in: bytes, into: &writer)
    precondition(!writer.overflowed, "keys longer than their document")
    members.append(Member(key: key, start: UInt32(used), count: UInt32(writer.count)))
    used += writer.count
  }

  @_lifetime(borrow self)
  private func unescaped(_ member: Member) -> RawSpan {
    let span = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(text + Int(member.start)), byteCount: Int(member.count))
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  private mutating func sort(from first: Int) {
    let text = unsafe text
    members[first...].sort { left, right in
      unsafe JSONCanonicalizer.precedes(
        text + Int(left.start), Int(left.count), text + Int(right.start), Int(right.count))
    }
  }

  /// Whether a text comes first in the order of UTF-16 code units (RFC 8785 §3.2.3). In UTF-8 that is the order of bytes, but
  /// for characters beyond U+FFFF (lead bytes F0 to F4), whose surrogates stand before U+E000 to U+FFFF (lead bytes EE, EF).
  private static func precedes(
    _ left: UnsafePointer<UInt8>, _ leftCount: Int, _ right: UnsafePointer<UInt8>,
    _ rightCount: Int
  ) -> Bool {
    func rank(_ byte: UInt8) -> UInt8 {
      byte >= 0xF0 ? byte - 2 : byte >= 0xEE ? byte + 5 : byte
    }
    for place in 0..<min(leftCount, rightCount) where unsafe left[place] != right[place] {
      return unsafe rank(left[place]) < rank(right[place])
    }
    return leftCount < rightCount
  }

  private func quote(_ text: RawSpan, _ out: inout ByteWriter) {
    out.append(UInt8(ascii: "\""))
    JSONEscaping.escape(text, into: &out)
    out.append(UInt8(ascii: "\""))
  }
}
