import Wire

// Schemas that describe a masked field.
//
// A schema may hold values (a default, an enumeration), and a masked value would not pass a schema that says what values
// look like: clients check structuredContent against outputSchema. So the schema of a masked field keeps its types and what
// is inside it, and loses every value and every bound.
//
//     "ssn": {"type": "string", "pattern": "^[0-9-]+$", "default": "123-45-6789", "description": "of the customer"}
//     "ssn": {"type":"string","description":"of the customer"}

extension Masker {
  /// Whether an active rule has a field of this name, whatever its path: schemas do not nest as their values do.
  mutating func namesField(
    _ key: JSONToken, _ bytes: RawSpan, _ index: borrowing JSONIndex, tables: MaskTables,
    active: MaskRuleSet
  ) -> Bool {
    let hash = index.keyHash(key)
    var slot = Int(hash)
    while let number = unsafe tables.entry(hash: hash, slot: &slot) {
      let entry = unsafe tables.entries[number]
      guard unsafe isName(key, entry.name, bytes, index, level: 0, tables: tables) else { continue }
      for field in Int(entry.firstField)..<Int(entry.firstField &+ entry.fieldCount)
      where unsafe active.contains(Int(tables.fields[field].rule)) {
        return true
      }
    }
    return false
  }

  /// Writes a schema without values and bounds.
  func relax(
    _ schema: JSONToken, _ bytes: RawSpan, _ index: borrowing JSONIndex,
    isMapping: Bool = false, into writer: inout MaskWriter
  ) {
    switch index.kind(of: schema, in: bytes) {
    case .object:
      unsafe writer.append("{")
      var isFirst = true
      var next = index.firstMember(of: schema, in: bytes)
      while let key = next {
        next = index.nextMember(after: key, in: bytes)
        guard isMapping || Self.isKept(key, bytes, index) else { continue }
        if !isFirst { unsafe writer.append(",") }
        isFirst = false
        unsafe copy(key, bytes, index, into: &writer)
        unsafe writer.append(":")
        let value = index.value(ofKey: key)
        if !isMapping, Self.isWording(key, bytes, index),
          index.kind(of: value, in: bytes) == .string, index.hasEscapes(value, in: bytes)
        {
          // Words with quotes in them may hold values.
          unsafe writer.appendRedacted()
        } else {
          unsafe relax(
            value, bytes, index,
            isMapping: !isMapping && index.equals(key, "properties", in: bytes), into: &writer)
        }
      }
      unsafe writer.append("}")
    case .array:
      unsafe writer.append("[")
      var isFirst = true
      var next = index.firstElement(of: schema, in: bytes)
      while let element = next {
        next = index.nextElement(after: element, in: bytes)
        if !isFirst { unsafe writer.append(",") }
        isFirst = false
        unsafe relax(element, bytes, index, into: &writer)
      }
      unsafe writer.append("]")
    default: unsafe copy(schema, bytes, index, into: &writer)
    }
  }

  private func copy(
    _ token: JSONToken, _ bytes: RawSpan, _ index: borrowing JSONIndex,
    into writer: inout MaskWriter
  ) {
    unsafe writer.append(bytes.extracting(index.range(of: token).range))
  }

  /// Everything else may be a value or a bound, or lead to one.
  private static func isKept(
    _ key: JSONToken, _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Bool {
    index.equals(key, "type", in: bytes) || isWording(key, bytes, index)
      || index.equals(key, "properties", in: bytes) || index.equals(key, "items", in: bytes)
      || index.equals(key, "prefixItems", in: bytes) || index.equals(key, "required", in: bytes)
      || index.equals(key, "anyOf", in: bytes)
      || index.equals(key, "additionalProperties", in: bytes)
      || index.equals(key, "x-mcp-header", in: bytes)
  }

  private static func isWording(
    _ key: JSONToken, _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Bool {
    index.equals(key, "title", in: bytes) || index.equals(key, "description", in: bytes)
  }
}
