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
}
