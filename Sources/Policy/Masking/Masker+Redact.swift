import Wire

extension Masker {
  /// The commonest hits, one after the other: watched keys in the region `data` whose names are spelled as they stand in the
  /// program, which are redacted wherever they are, and whose values are strings. Apart from `mask`, so that all it needs has a
  /// register. Stops in front of any other hit, having done nothing for it.
  ///
  /// Everything from `copied` up to each value is copied, the value replaced. Returns how many hits were taken.
  @inline(never)
  func redact(
    _ index: borrowing JSONIndex, from first: Int, in data: ClosedRange<UInt32>,
    _ source: UnsafeRawPointer, _ copied: Int, size: Int, tables: MaskTables,
    into writer: inout MaskWriter
  ) -> Int {
    let slots = unsafe tables.slots.baseAddress!
    let slotMask = unsafe UInt32(truncatingIfNeeded: tables.slots.count &- 1)
    let entries = unsafe tables.entries.baseAddress!
    let verdicts = unsafe self.verdicts.verdicts
    let hitCount = index.hitCount
    var copied = copied
    var next = first
    while next < hitCount {
      let hit = index.hit(next)
      guard hit.kind == .key, data.contains(hit.container.index) else { break }
      let member = index.member(ofKey: hit.token)
      let number = unsafe slots[Int(member.hash & slotMask)]
      guard number != 0, Int(member.valueFirst) &+ MaskEntry.spellingMax <= size else { break }
      let entry = unsafe entries + (Int(number) &- 1)
      guard unsafe entry.pointee.hash == member.hash,
        unsafe verdicts[Int(number) &- 1] == MaskVerdicts.Verdict.redact.rawValue,
        unsafe entry.pointee.isSpelled(source + Int(member.nameFirst), member.nameCount),
        unsafe source.load(fromByteOffset: Int(member.valueFirst), as: UInt8.self)
          == UInt8(ascii: "\""),
        unsafe writer.copyAndRedact(source, copied, Int(member.valueFirst), size: size)
      else { break }
      copied = Int(member.valueLast) &+ 1
      next &+= 1
    }
    return next &- first
  }
}
