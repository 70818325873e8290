import Wire

// Paths: a field `customer.card.number` is the key `number` in the value of `card` in the value of `customer`. A hit is
// such a key; its containers are looked at from the inside out. Arrays between them do not count.
//
//     {"customer":{"cards":[…]},"card":[{"number":…}]}        number: container is an element, then the value of card,
//                                                             which is not in the value of customer: no match
//
// A string that holds JSON is between its key and the nested document's root, and the path goes on through it.

extension Masker {
  /// Whether the outermost `left` names of the field's path lead to `value`, which is in `container` (found out when
  /// nil; it must be given for strings).
  mutating func leads(
    to value: JSONToken, in container: JSONToken?, _ field: Int, left: Int, _ bytes: RawSpan,
    _ index: borrowing JSONIndex, level: Int, tables: MaskTables
  ) -> Bool {
    let compiled = unsafe tables.fields[field]
    var left = left
    var here = value
    var parent = container
    while left > 0 {
      if here == index.root {
        return unsafe levels[level].reached[field] >> UInt32(left) & 1 != 0
      }
      if let key = index.key(ofValue: here, in: bytes) {
        let name = unsafe tables.names[
          Int(compiled.firstName) + Int(compiled.pathCount) - left]
        guard unsafe isName(key, name, bytes, index, level: level, tables: tables) else {
          return false
        }
        left -= 1
      }
      guard left > 0, let outer = parent ?? index.parent(ofContainer: here) else { break }
      here = outer
      parent = nil
    }
    return left == 0
  }

  /// Notes for the document nested in a string which beginnings of paths lead to that string.
  mutating func noteReached(
    _ hit: JSONHit, _ bytes: RawSpan, _ index: borrowing JSONIndex, level: Int, tables: MaskTables
  ) {
    guard unsafe tables.hasPaths else { return }
    let count = unsafe tables.fields.count
    unsafe levels[level + 1].reserveReached(count)
    for field in 0..<count {
      var reached: UInt32 = 0
      let pathCount = unsafe Int(tables.fields[field].pathCount)
      for left in 0..<pathCount
      where unsafe leads(
        to: hit.token, in: hit.container, field, left: left + 1, bytes, index, level: level,
        tables: tables)
      {
        reached |= 1 << UInt32(left + 1)
      }
      unsafe levels[level + 1].reached[field] = reached
    }
  }
}
