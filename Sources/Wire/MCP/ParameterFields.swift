/// The fields `Mcp-Param-…` of a call (mcp-wire §3.4): arguments that a tool's schema wants repeated in the head, for those who
/// route by them and do not read bodies.
///
/// Which field repeats which argument is the schema's, and the server checks it. What is made sure here, without the
/// schema, is that no field says what the body does not: each value is one of the arguments, and no field appears twice.
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
      guard let arguments, isArgument(value, of: arguments, body, index) else { return false }
    }
    return true
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
  private static func isArgument(
    _ field: RawSpan, of arguments: JSONToken, _ body: RawSpan, _ index: borrowing JSONIndex
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
