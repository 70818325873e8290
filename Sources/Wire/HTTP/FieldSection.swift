/// Reads the field lines of a head: the part that requests, answers and nothing else share.
///
/// Example, with `|` for CRLF: `Host: a|Accept:b |X_y:|` + `|` gives three fields, `Host` = `a`, `Accept` = `b`
/// and `X_y` with an empty value; the last, empty line ends the section.
///
/// Refused: a line that begins with white space (RFC 9112 §5.2 folding), a line without a colon, an empty name, a name
/// with anything but token characters in it (so white space before the colon), and a field of `once` that appears twice.
/// Control bytes and lone carriage returns or line feeds never get here: the scan refused them.
enum FieldSection {
  static func read(
    _ head: HeadBytes, from start: Int, once: UInt32, limits: HTTPLimits,
    into fields: inout FieldTable, known: inout KnownFields
  ) -> HTTPRefusal? {
    fields.count = 0
    let fieldCountMax = min(limits.fieldCountMax, fields.capacity)
    var line = start
    while true {
      let feed = head.lineFeed(from: line)
      let end = feed &- 1
      if end == line { return nil }
      let colon = head.colon(from: line, before: end)
      guard colon < end else {
        return HTTPRefusal(isSpace(head[line]) ? .foldedField : .fieldWithoutColon, at: line)
      }
      let count = colon &- line
      let folded = FoldedName(head, line, count: count)
      var name = folded.name
      if name == .other {
        if let refusal = classifyOther(head, line, folded, &name) { return refusal }
      }
      let value = trimmed(head, colon &+ 1, end)
      if name.rawValue < HTTPFieldName.mcpParameter.rawValue {
        known.repeated |= known.present & name.bit
        if known.repeated & once != 0 { return HTTPRefusal(.repeatedField, at: line) }
        known.present |= name.bit
        known.values[Int(name.rawValue)] = value
      }
      if name == .mcpParameter { known.present |= name.bit }
      guard fields.count < fieldCountMax else { return HTTPRefusal(.tooManyFields, at: line) }
      fields.append(HTTPField(name: ByteRange(line..<colon), value: value, known: name))
      line = feed &+ 1
    }
  }

  /// Refuses the names that are no names, and tells parameters and look-alikes from the rest.
  private static func classifyOther(
    _ head: HeadBytes, _ line: Int, _ folded: FoldedName, _ name: inout HTTPFieldName
  ) -> HTTPRefusal? {
    let count = folded.count
    guard count > 0 else { return HTTPRefusal(.fieldNameEmpty, at: line) }
    if isSpace(head[line]) { return HTTPRefusal(.foldedField, at: line) }
    var hasUnderscore = false
    for offset in line..<line &+ count {
      if !head.isToken(offset) { return HTTPRefusal(.fieldNameCharacter, at: offset) }
      if head[offset] == 0x5f { hasUnderscore = true }
    }
    if hasUnderscore {
      if imitatesProtectedName(head, line, count: count) { name = .ignored }
    } else if folded.mayBeParameter && head[line &+ 8] | 0x20 == 0x6d && head[line &+ 9] == 0x2d {
      name = .mcpParameter
    }
    return nil
  }

  /// Whether a name becomes one that the gateway reads, or any `mcp-` name, when underscores count as hyphens.
  /// CGI-style servers do not tell the two apart.
  private static func imitatesProtectedName(_ head: HeadBytes, _ line: Int, count: Int) -> Bool {
    guard count >= 4 else { return false }
    var bytes = InlineArray<20, UInt8>(repeating: 0)
    for index in 0..<min(count, 20) {
      let byte = head[line &+ index]
      bytes[index] = byte == 0x5f ? 0x2d : byte
    }
    let isProtocolName =
      bytes[0] | 0x20 == 0x6d && bytes[1] | 0x20 == 0x63 && bytes[2] | 0x20 == 0x70
      && bytes[3] == 0x2d
    if isProtocolName { return true }
    return count <= 20 && FoldedName(bytes, count: count).name != .other
  }

  @inline(__always)
  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// `start..<end` without spaces and tabs at either side.
  @inline(__always)
  static func trimmed(_ head: HeadBytes, _ start: Int, _ end: Int) -> ByteRange {
    var first = start
    var last = end
    while first < last && isSpace(head[first]) { first &+= 1 }
    while first < last && isSpace(head[last &- 1]) { last &-= 1 }
    return ByteRange(
      offset: UInt32(truncatingIfNeeded: first), count: UInt32(truncatingIfNeeded: last &- first))
  }
}
