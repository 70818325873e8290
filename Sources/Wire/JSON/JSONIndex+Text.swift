import CScan
import Glibc

// Strings and numbers of a document that was read: compared and converted only when asked for.

extension JSONIndex {
  /// Whether the string has at least one backslash.
  public func hasEscapes(_ string: JSONToken, in bytes: RawSpan) -> Bool {
    let contents = contents(of: string)
    guard hasMark(contents) else { return false }
    return unsafe bytes.extracting(contents.range).withUnsafeBytes { buffer in
      unsafe memchr(buffer.baseAddress!, Int32(UInt8(ascii: "\\")), buffer.count) != nil
    }
  }

  /// Whether a mark (backslash or apostrophe) lies in the range, which is part of the document.
  @inline(__always)
  private func hasMark(_ range: ByteRange) -> Bool {
    guard range.count > 0 else { return false }
    let first = Int(range.offset) &>> 6
    let last = Int(range.end &- 1) &>> 6
    let fromStart = UInt64.max &<< UInt64(range.offset & 63)
    let upToEnd = UInt64.max &>> UInt64(63 &- ((range.end &- 1) & 63))
    if first == last { return unsafe marks[first] & fromStart & upToEnd != 0 }
    if unsafe marks[first] & fromStart != 0 || marks[last] & upToEnd != 0 { return true }
    for word in first &+ 1..<last where unsafe marks[word] != 0 { return true }
    return false
  }

  /// Whether the string, unescaped, is `text`.
  public func equals(_ string: JSONToken, _ text: StaticString, in bytes: RawSpan) -> Bool {
    let utf8 = unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    return equals(string, utf8: utf8, in: bytes)
  }

  /// Whether the string, unescaped, is `text`.
  public func equals(_ string: JSONToken, utf8 text: RawSpan, in bytes: RawSpan) -> Bool {
    let contents = contents(of: string)
    // Unescaping never makes a string longer, and at best six times shorter.
    guard Int(contents.count) >= text.byteCount else { return false }
    if Int(contents.count) == text.byteCount {
      let raw = bytes.extracting(contents.range)
      // An equal text with a backslash in it would mean something else unescaped, which is shorter.
      return Self.areSame(raw, text) && !hasEscapes(string, in: bytes)
    }
    guard hasEscapes(string, in: bytes) else { return false }
    var at = 0
    var isEqual = true
    Self.unescape(bytes.extracting(contents.range)) { piece in
      let count = piece.byteCount
      guard isEqual, count <= text.byteCount - at else {
        isEqual = false
        return
      }
      isEqual = Self.areSame(piece, text.extracting(at..<at + count))
      at += count
    }
    return isEqual && at == text.byteCount
  }

  /// Writes the string, unescaped, as UTF-8.
  public func decode(_ string: JSONToken, in bytes: RawSpan, into writer: inout ByteWriter) {
    let contents = contents(of: string)
    guard hasEscapes(string, in: bytes) else { return writer.append(bytes, contents) }
    Self.unescape(bytes.extracting(contents.range)) { writer.append($0) }
  }

  @inline(__always)
  private static func areSame(_ left: RawSpan, _ right: RawSpan) -> Bool {
    unsafe left.withUnsafeBytes { left in
      unsafe right.withUnsafeBytes { right in
        guard left.count == right.count else { return false }
        guard let one = left.baseAddress, let other = right.baseAddress else {
          return true
        }
        return unsafe sameBytes(one, other, left.count)
      }
    }
  }

  /// Calls `body` with the pieces of a valid string's contents, unescaped: runs without escapes, and what each escape
  /// stands for.
  @inline(__always)
  private static func unescape(_ contents: RawSpan, _ body: (RawSpan) -> Void) {
    unsafe contents.withUnsafeBytes { buffer in
      guard var at = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
      let end = unsafe at + buffer.count
      var decoded: UInt32 = 0
      while unsafe at < end {
        let next = unsafe memchr(at, Int32(UInt8(ascii: "\\")), end - at)
        let stop =
          unsafe next.map { unsafe UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) } ?? end
        if unsafe stop > at {
          unsafe body(RawSpan(_unsafeStart: at, byteCount: stop - at))
        }
        guard unsafe stop < end else { return }
        var written = 0
        let consumed = unsafe withUnsafeMutableBytes(of: &decoded) { place in
          unsafe sluice_unescape_one(
            stop, end - stop, place.baseAddress!.assumingMemoryBound(to: UInt8.self), &written)
        }
        unsafe withUnsafeBytes(of: &decoded) { place in
          unsafe body(RawSpan(_unsafeStart: place.baseAddress!, byteCount: written))
        }
        unsafe at = stop + consumed
      }
    }
  }

  /// The value of an integer literal (no point, no exponent) that fits in 64 bits; otherwise nil.
  public func integer(_ number: JSONToken, in bytes: RawSpan) -> Int64? {
    let range = range(of: number)
    guard range.count >= 1 else { return nil }
    let literal = bytes.extracting(range.range)
    let isNegative =
      unsafe literal.unsafeLoad(fromByteOffset: 0, as: UInt8.self) == UInt8(ascii: "-")
    var result: Int64 = 0
    for offset in (isNegative ? 1 : 0)..<literal.byteCount {
      let digit =
        unsafe literal.unsafeLoad(fromByteOffset: offset, as: UInt8.self) &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      let (tens, tooLarge) = result.multipliedReportingOverflow(by: 10)
      let (sum, tooFar) =
        isNegative
        ? tens.subtractingReportingOverflow(Int64(digit))
        : tens.addingReportingOverflow(Int64(digit))
      guard !tooLarge, !tooFar else { return nil }
      result = sum
    }
    return result
  }

  /// The number nearest to the literal; infinite when it is out of range, as every parser of doubles makes it.
  public func double(_ number: JSONToken, in bytes: RawSpan) -> Double {
    let range = range(of: number)
    var text: InlineArray<256, CChar> = .init(repeating: 0)
    precondition(range.count < 256, "longer than the limit on numbers")
    for offset in 0..<Int(range.count) {
      text[offset] = unsafe bytes.unsafeLoad(
        fromByteOffset: Int(range.offset) + offset, as: CChar.self)
    }
    return unsafe text.span.withUnsafeBufferPointer { unsafe strtod($0.baseAddress!, nil) }
  }
}
