import Wire

// Replacing values, so that every type survives.

extension Masker {
  /// Writes the value at `value` treated, leaf by leaf; returns how many leaves were replaced.
  @inline(never)
  mutating func replace(
    _ value: JSONToken, _ source: UnsafeRawPointer, _ bytes: RawSpan,
    _ index: borrowing JSONIndex, _ treatment: MaskTreatment, into writer: inout MaskWriter
  ) -> Int {
    let kind = index.kind(of: value, in: bytes)
    guard kind == .object || kind == .array else {
      unsafe replaceLeaf(value, kind, bytes, index, treatment, into: &writer)
      return 1
    }
    // Everything but the leaves is copied: brackets, keys, blanks.
    let range = index.range(of: value).range
    var copied = range.lowerBound
    var leaves = 0
    var leaf = index.nextLeaf(after: value, in: bytes)
    while let here = leaf {
      let place = index.range(of: here).range
      guard place.lowerBound < range.upperBound else { break }
      unsafe writer.copy(source, copied, place.lowerBound, size: bytes.byteCount)
      unsafe replaceLeaf(
        here, index.kind(of: here, in: bytes), bytes, index, treatment, into: &writer)
      copied = place.upperBound
      leaves += 1
      leaf = index.nextLeaf(after: here, in: bytes)
    }
    unsafe writer.copy(source, copied, range.upperBound, size: bytes.byteCount)
    // An empty container is replaced by itself, which still counts: the rule applied.
    return max(1, leaves)
  }

  private mutating func replaceLeaf(
    _ value: JSONToken, _ kind: JSONKind, _ bytes: RawSpan, _ index: borrowing JSONIndex,
    _ treatment: MaskTreatment, into writer: inout MaskWriter
  ) {
    switch kind {
    case .string:
      if treatment == .partial,
        unsafe partialString(bytes.extracting(index.contents(of: value).range), into: &writer)
      {
        return
      }
      unsafe writer.appendRedacted()
    case .number: unsafe writer.append("0")
    case .true, .false: unsafe writer.append("false")
    case .null: unsafe writer.append("null")
    case .object, .array: preconditionFailure("not a leaf")
    }
  }

  /// Writes a string with the last four characters of one that has at least eight; false when it has fewer.
  mutating func partialString(_ contents: RawSpan, into writer: inout MaskWriter) -> Bool {
    let scratch = Self.levelCount - 1
    unsafe levels[scratch].unescape(contents)
    let text = unsafe levels[scratch].textBytes
    var characters = 0
    var tail = 0
    for offset in stride(from: text.byteCount - 1, through: 0, by: -1) {
      // Unicode scalars begin with anything but a continuation byte.
      guard unsafe text.unsafeLoad(fromByteOffset: offset, as: UInt8.self) & 0xC0 != 0x80 else {
        continue
      }
      characters += 1
      if characters == 4 { tail = offset }
      if characters == 8 { break }
    }
    guard characters == 8 else { return false }
    unsafe writer.append("\"***")
    unsafe writer.appendEscaped(text.extracting(tail..<text.byteCount))
    unsafe writer.append("\"")
    return true
  }
}
