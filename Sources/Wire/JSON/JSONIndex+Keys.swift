import CScan

// No object has a key twice, compared after unescaping. Keys of small objects pass a 256-bit filter of the hashes seen;
// a key the filter cannot tell from an earlier one is compared with each. Objects with more keys are checked once, when
// they close, with a hash table: linear time, and the seeded hash gives nobody the means to make it worse.

extension JSONIndex {
  /// Above this number of keys an object is checked when it closes.
  static var keysComparedOneByOne: UInt32 { 32 }
  /// Longest run of occupied slots looked through in the table of a large object. At half load a run this long does
  /// not happen by chance.
  static var probesMax: Int { 256 }

  /// Takes note of the key at `token`, whose contents are [start, end): its hash, whether it is a duplicate, whether
  /// it is watched.
  @inline(__always)
  mutating func key(
    _ base: UnsafePointer<UInt8>, length: Int, token: Int, start: UInt32, end: UInt32,
    mark: inout UInt32
  ) -> JSONViolationReason? {
    let size = Int(end &- start)
    let hash: UInt32
    if mark >= end {
      hash = unsafe UInt32(
        truncatingIfNeeded: JSONHash.hash(base + Int(start), size, seed))
    } else {
      mark = firstMark(from: Int(end))
      guard let unescaped = unsafe hashUnescaped(base + Int(start), size) else {
        return .keyEndsWithNull
      }
      hash = unescaped
    }
    if size > limits.stringLengthMax { return .stringTooLong }
    unsafe links[token &+ 1] = hash
    let frame = unsafe frames + depth
    if unsafe frame.pointee.isPredicted {
      unsafe stopPredicting(frame, keys: frame.pointee.keys)
    }
    unsafe frame.pointee.keys &+= 1
    let bit: UInt64 = 1 &<< UInt64(hash & 63)
    let seen = unsafe Self.seen(frame, hash)
    if unsafe seen.pointee & bit != 0, unsafe frame.pointee.keys <= Self.keysComparedOneByOne {
      if unsafe hasEarlier(base, than: token, in: Int(frame.pointee.open)) { return .duplicateKey }
    }
    unsafe seen.pointee |= bit
    if watching, unsafe tables[JSONWatch.word(hash)] &>> JSONWatch.bit(hash) & 1 != 0 {
      record(.key, token)
    }
    return nil
  }

  /// Hash of a key that may have escapes; nil when it ends with U+0000, which some servers' parsers drop.
  @inline(never)
  private mutating func hashUnescaped(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt32? {
    scratch.reserve(count)
    let size = unsafe sluice_unescape(bytes, count, scratch.bytes)
    if size > 0, unsafe scratch.bytes[size &- 1] == 0 { return nil }
    return unsafe UInt32(
      truncatingIfNeeded: JSONHash.hash(UnsafePointer(scratch.bytes), size, seed))
  }

  /// Whether an earlier key of the open object `opening` equals the one at `token`.
  @inline(never)
  mutating func hasEarlier(
    _ base: UnsafePointer<UInt8>, than token: Int, in opening: Int
  ) -> Bool {
    var earlier = opening &+ 1
    while earlier < token {
      if unsafe links[earlier &+ 1] == links[token &+ 1], unsafe sameKey(base, earlier, token) {
        return true
      }
      earlier = afterValue(earlier &+ 2) &+ 1
    }
    return false
  }

  /// The token after the value at `value`: a comma or a close.
  @inline(__always)
  func afterValue(_ value: Int) -> Int {
    let link = unsafe links[value]
    return link & Self.containerTag != 0 ? Int(link & ~Self.containerTag) &+ 1 : value &+ 1
  }

  private mutating func sameKey(_ base: UnsafePointer<UInt8>, _ left: Int, _ right: Int) -> Bool {
    let leftStart = unsafe Int(positions[left]) &+ 1
    let leftSize = unsafe Int(links[left]) &- leftStart
    let rightStart = unsafe Int(positions[right]) &+ 1
    let rightSize = unsafe Int(links[right]) &- rightStart
    if leftSize == rightSize, unsafe sameBytes(base + leftStart, base + rightStart, leftSize) {
      return true
    }
    scratch.reserve(leftSize + rightSize)
    let leftText = unsafe scratch.bytes
    let leftCount = unsafe sluice_unescape(base + leftStart, leftSize, leftText)
    let rightText = unsafe scratch.bytes + leftSize
    let rightCount = unsafe sluice_unescape(base + rightStart, rightSize, rightText)
    return unsafe leftCount == rightCount && sameBytes(leftText, rightText, leftCount)
  }

  /// Checks all keys of a large object against each other.
  @inline(never)
  mutating func verifyKeys(
    _ base: UnsafePointer<UInt8>, of opening: Int, closing: Int
  ) -> JSONViolation? {
    let keys = unsafe Int(frames[depth].keys)
    let slots = 1 << (Int.bitWidth - (2 * keys - 1).leadingZeroBitCount)
    // Slots hold token numbers; 0 is the document's first token and never a key.
    table.reserve(slots)
    let table = unsafe self.table.slots
    unsafe table.update(repeating: 0, count: slots)
    var token = opening &+ 1
    while token < closing {
      let hash = unsafe links[token &+ 1]
      var slot = Int(hash) & (slots &- 1)
      var probes = 0
      while unsafe table[slot] != 0 {
        let other = unsafe Int(table[slot])
        if unsafe links[other &+ 1] == hash, unsafe sameKey(base, other, token) {
          return unsafe JSONViolation(reason: .duplicateKey, offset: positions[token])
        }
        probes &+= 1
        if probes > Self.probesMax {
          return unsafe JSONViolation(reason: .tooManyCollidingKeys, offset: positions[token])
        }
        slot = (slot &+ 1) & (slots &- 1)
      }
      unsafe table[slot] = UInt32(truncatingIfNeeded: token)
      token = afterValue(token &+ 2) &+ 1
    }
    return nil
  }
}
