import Wire

// What the masker of whole messages lends to the one of streamed messages.

extension Masker {
  /// Works out the verdicts for a program and rules, unless they are the last ones.
  mutating func prepare(_ tables: MaskTables, _ active: MaskRuleSet) {
    unsafe verdicts.prepare(tables, active)
  }

  /// The verdict on an entry of the program that was prepared.
  func verdict(_ entry: Int) -> MaskVerdicts.Verdict { verdicts[entry] }

  /// Notes which beginnings of paths lead to the document of a level: `body` fills in one word per field.
  mutating func setReached(
    level: Int, _ count: Int, _ body: (UnsafeMutablePointer<UInt32>) -> Void
  ) {
    unsafe levels[level].forgetReached(count)
    unsafe body(levels[level].reached)
  }

  /// The role of the value of a key in a container of `region`.
  /// - Parameter contents: the key as it stands in the document, without quotes.
  mutating func role(
    _ region: MaskRegion, _ contents: RawSpan, _ document: StreamBuffer
  ) -> MaskRegion.Role {
    // The regions ask an index: one of an object with this key alone.
    document.removeAll()
    document.append("{\"")
    document.append(contents)
    document.append("\":0}")
    let index = unsafe indexes + (Self.levelCount - 1)
    guard unsafe index.pointee.read(document.bytes, watch: .none) == nil,
      let key = unsafe index.pointee.firstMember(of: index.pointee.root, in: document.bytes)
    else { return .data }
    return unsafe region.role(key, in: document.bytes, index.pointee)
  }

  // MARK: Many members at a time

  /// Reads the beginning of an object or array of the document of a level, as far as its members are complete: see
  /// `JSONIndex.readMembers`.
  mutating func readMembers(
    _ bytes: RawSpan, level: Int, watch: borrowing JSONWatch, depthMax: Int
  ) -> Int {
    unsafe indexes[level].readMembers(bytes, watch: watch, depthMax: depthMax)
  }

  /// Calls `body` with the keys of the object that `readMembers` has read, as they stand in it, until it says no.
  func everyKey(level: Int, _ body: (ByteRange) -> Bool) -> Bool {
    unsafe indexes[level].everyMember(body)
  }

  /// How many bytes a writer must have room for to take what `maskMembers` makes of `bytes` bytes.
  func roomForMembers(_ bytes: Int, level: Int) -> Int {
    unsafe Self.room(bytes: bytes, index: indexes[level])
  }

  /// Masks what `readMembers` has read; returns how many values were replaced, and writes nothing when none was.
  mutating func maskMembers(
    _ bytes: RawSpan, level: Int, tables: MaskTables, watch: borrowing JSONWatch,
    active: MaskRuleSet, into writer: inout MaskWriter
  ) -> Int {
    let index = unsafe indexes + level
    return unsafe mask(
      bytes, index.pointee, level: level, isData: true, tables: tables, watch: watch,
      active: active, into: &writer)
  }
}
