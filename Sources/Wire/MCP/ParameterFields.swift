/// The fields `Mcp-Param-…` of a call (mcp-wire §3.4): arguments that a tool's schema wants repeated in the head, for those who
/// route by them and do not read bodies.
///
/// Which field repeats which argument is the schema's. Where that is known, `repeats` checks each argument that it names; where
/// it is not, `agree` makes sure that no field says what the body does not: each value is one of the arguments, and no field
/// appears twice. The server checks it in any case.
///
/// Example: `Mcp-Param-Region: eu` goes with `{"region":"eu"}`, and is refused with `{"region":"us"}`.
public enum ParameterFields {
  /// - Parameters:
  ///   - fields: of the head `headBytes`.
  ///   - arguments: of the call in `body`.
  public static func agree(
    _ fields: borrowing FieldTable, headBytes: RawSpan, arguments: JSONToken?, body: RawSpan,
    index: borrowing JSONIndex
  ) -> Bool {
    for number in 0..<fields.count where fields[number].known == .mcpParameter {
      for other in 0..<number
      where fields[other].known == .mcpParameter
        && isSameName(
          headBytes.extracting(fields[other].name.range),
          headBytes.extracting(fields[number].name.range))
      {
        return false
      }
      let value = headBytes.extracting(fields[number].value.range)
      guard let arguments, repeats(value, valueIn: arguments, body, index) else { return false }
    }
    return true
  }

  /// Whether one argument is repeated as its schema wants it: by one field, with the same value; by none where there is no
  /// such argument, or it is null.
  /// - Parameters:
  ///   - name: of the field, behind `Mcp-Param-`.
  ///   - argument: the value in `body`; nil when it is not there.
  public static func repeats(
    _ fields: borrowing FieldTable, headBytes: RawSpan, name: RawSpan, argument: JSONToken?,
    body: RawSpan, index: borrowing JSONIndex
  ) -> Bool {
    let prefixBytes = 10
    var found: Int?
    for number in 0..<fields.count where fields[number].known == .mcpParameter {
      let whole = headBytes.extracting(fields[number].name.range)
      guard isSameName(whole.extracting(droppingFirst: prefixBytes), name) else { continue }
      if found != nil { return false }
      found = number
    }
    let kind = argument.map { index.kind(of: $0, in: body) } ?? .null
    guard let found, let argument else { return found == nil && kind == .null }
    let value = headBytes.extracting(fields[found].value.range)
    switch kind {
    case .string: return HeaderText.equals(value, argument, in: body, index: index)
    case .number, .true, .false: return isLiteral(value, argument, body, index)
    case .null, .object, .array: return false
    }
  }

  /// Copies the fields of a head. False when a value cannot stand in a field.
  public static func write(
    _ fields: borrowing FieldTable, headBytes: RawSpan, into out: inout ByteWriter
  ) -> Bool {
    for number in 0..<fields.count where fields[number].known == .mcpParameter {
      guard
        HTTPWriter.field(
          name: headBytes.extracting(fields[number].name.range),
          value: headBytes.extracting(fields[number].value.range), into: &out)
      else { return false }
    }
    return true
  }

  /// Whether some value in `arguments` reads like the field's.
  static func repeats(
    _ field: RawSpan, valueIn arguments: JSONToken, _ body: RawSpan, _ index: borrowing JSONIndex
  ) -> Bool {
    let end = index.tokenAfter(arguments)
    var leaf = index.nextLeaf(after: arguments, in: body)
    while let here = leaf, here.index < end.index {
      switch index.kind(of: here, in: body) {
      case .string:
        if HeaderText.equals(field, here, in: body, index: index) { return true }
      case .number, .true, .false:
        if isLiteral(field, here, body, index) { return true }
      case .null, .object, .array: break
      }
      leaf = index.nextLeaf(after: here, in: body)
    }
    return false
  }

  /// Whether the field is the value's literal; of a number also without a fraction that is zero (42 is 42.0).
  private static func isLiteral(
    _ field: RawSpan, _ value: JSONToken, _ body: RawSpan, _ index: borrowing JSONIndex
  ) -> Bool {
    let literal = body.extracting(index.range(of: value).range)
    return isSame(withoutZeroFraction(field), withoutZeroFraction(literal))
  }

  @_lifetime(copy text)
  private static func withoutZeroFraction(_ text: RawSpan) -> RawSpan {
    var end = text.byteCount
    while end > 0, text[byte: end - 1] == 0x30 { end -= 1 }
    guard end > 1, text[byte: end - 1] == 0x2e, end < text.byteCount else { return text }
    return text.extracting(first: end - 1)
  }

  private static func isSame(_ left: RawSpan, _ right: RawSpan) -> Bool {
    guard left.byteCount == right.byteCount else { return false }
    for offset in 0..<left.byteCount where left[byte: offset] != right[byte: offset] {
      return false
    }
    return true
  }

  /// Names are token characters; letters fold.
  private static func isSameName(_ left: RawSpan, _ right: RawSpan) -> Bool {
    guard left.byteCount == right.byteCount else { return false }
    func folded(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
    for offset in 0..<left.byteCount
    where folded(left[byte: offset]) != folded(right[byte: offset]) {
      return false
    }
    return true
  }
}
