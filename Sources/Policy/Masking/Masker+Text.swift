import Wire

// Strings that hold JSON, or something like it.

extension Masker {
  /// What stands in for a text that cannot be masked reliably.
  static var notice: StaticString {
    "[withheld: text names a masked field but cannot be read as JSON]"
  }

  /// Masks inside the string of a text hit. Writes the new contents of the string (without quotes) and returns how many
  /// values were replaced; returns 0, with nothing of worth written, when the string can stay as it is.
  mutating func maskText(
    _ hit: JSONHit, _ bytes: RawSpan, _ index: borrowing JSONIndex, level: Int, tables: MaskTables,
    watch: borrowing JSONWatch, active: MaskRuleSet, into writer: inout MaskWriter
  ) -> Int {
    if let done = unsafe readText(
      bytes.extracting(index.contents(of: hit.token).range), level: level, tables: tables,
      watch: watch, active: active, into: &writer)
    {
      return done
    }
    unsafe noteReached(hit, bytes, index, level: level, tables: tables)
    return unsafe maskRead(
      level: level, tables: tables, watch: watch, active: active, into: &writer)
  }

  /// Reads the contents of a string as a document of the next level. Nil when it has something to mask: `maskRead` does
  /// that; else what `maskText` returns.
  mutating func readText(
    _ contents: RawSpan, level: Int, tables: MaskTables, watch: borrowing JSONWatch,
    active: MaskRuleSet, into writer: inout MaskWriter
  ) -> Int? {
    let inner = level + 1
    unsafe levels[inner].unescape(contents)
    guard unsafe levels[inner].hasQuotes else { return 0 }
    // The level's memory stays where it is until the level unescapes another string.
    let start = unsafe UnsafeRawPointer(levels[inner].text)
    let text = unsafe RawSpan(_unsafeStart: start, byteCount: levels[inner].textCount)
    guard MaskedNameSearch.mayBeJSON(text) else {
      return unsafe withholdIfNamed(text, tables, active, into: &writer)
    }
    if inner > Self.nestingMax {
      unsafe writer.append(Self.notice)
      return 1
    }
    if unsafe indexes[inner].read(text, watch: watch) != nil {
      return unsafe withholdIfNamed(text, tables, active, into: &writer)
    }
    let nestedIndex = unsafe indexes + inner
    return unsafe nestedIndex.pointee.hitCount > 0 ? nil : 0
  }

  /// Masks the document that `readText` has read, and writes it as the contents of a string; returns how many values were
  /// replaced.
  mutating func maskRead(
    level: Int, tables: MaskTables, watch: borrowing JSONWatch, active: MaskRuleSet,
    into writer: inout MaskWriter
  ) -> Int {
    let inner = level + 1
    let nestedIndex = unsafe indexes + inner
    let start = unsafe UnsafeRawPointer(levels[inner].text)
    let text = unsafe RawSpan(_unsafeStart: start, byteCount: levels[inner].textCount)
    unsafe levels[inner].reserveOutput(
      Masker.room(bytes: text.byteCount, index: nestedIndex.pointee))
    var nested = unsafe MaskWriter(
      into: levels[inner].output, capacity: levels[inner].outputCapacity)
    let values = unsafe mask(
      text, nestedIndex.pointee, level: inner, tables: tables, watch: watch, active: active,
      into: &nested)
    guard values > 0 else { return 0 }
    guard unsafe !nested.overflowed else {
      unsafe writer.append(Self.notice)
      return 1
    }
    let masked = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(levels[inner].output), byteCount: nested.count)
    unsafe writer.appendEscaped(masked)
    return values
  }

  /// A text that is no JSON: withheld when it has the name of a masked field in quotes.
  private mutating func withholdIfNamed(
    _ text: RawSpan, _ tables: MaskTables, _ active: MaskRuleSet, into writer: inout MaskWriter
  ) -> Int {
    guard unsafe search.finds(text, tables: tables, active: active) else { return 0 }
    unsafe writer.append(Self.notice)
    return 1
  }
}
