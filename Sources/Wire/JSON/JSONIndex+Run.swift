import CScan

// The fast part of stage two: whole members and elements in the shapes nearly all have, with everything in registers.
// It stops in front of whatever is unusual (long or escaped keys, exponents, errors, the document's first and last
// bytes), having changed nothing for it, and `walk` takes that one step. So it refuses nothing and proves everything.
//
//     ,"email":"a@b.example","n":12}
//      ^      ^^            ^ four tokens: key, colon, value, comma. With the four offsets at hand the step is a few
//                             loads and compares: `"` `":` `"` `",`, two overlapping words of the key for its hash

extension JSONIndex {
  /// Bytes past a step's last token that it may look at.
  private static var margin: Int { 24 }

  /// Takes as many usual steps as there are.
  mutating func run(_ base: UnsafePointer<UInt8>, length: Int) {
    guard next < count, length > Self.margin, limits.stringLengthMax >= length,
      limits.numberLengthMax >= 9
    else { return }
    let positions = unsafe self.positions
    let links = unsafe self.links
    // Tokens that are not known yet lie beyond every bound, so that looking at the bound is enough.
    for missing in 0..<4 { unsafe positions[count &+ missing] = .max }
    let stop = UInt32(truncatingIfNeeded: length &- Self.margin)
    let deepest = unsafe frames + depthMax
    var index = next
    var frame = unsafe frames + depth
    var expect = self.expect
    var mark = firstMark(from: markCursor)
    // Up to here a step need not ask whether it comes too near the end or meets a mark.
    var fence = min(mark, stop)
    var hit = unsafe hits + hitCount
    // The key predicted next, and where predictions end: at once when there are none.
    var entry = unsafe shapeEntries
    var entryEnd = unsafe shapeEntries
    unsafe resume(frame, &entry, &entryEnd)

    running: while true {
      switch expect {
      case .member, .memberOrClose:
        members: while true {
          if unsafe entry < entryEnd {
            let (tokens, hits) = unsafe Self.predictedMembers(
              base, positions + index, links + index, entry, entryEnd, fence: fence,
              hit: hit, first: index, open: frame.pointee.open)
            unsafe entry += (tokens &+ 1) &>> 2
            index &+= tokens
            unsafe hit = hits
            if tokens & 3 != 0 {
              expect = .commaOrClose
              continue running
            }
            if tokens != 0 { expect = .member }
          }
          let key = unsafe positions[index]
          let colon = unsafe positions[index &+ 1]
          let value = unsafe positions[index &+ 2]
          let after = unsafe positions[index &+ 3]
          if after >= fence, after >= stop || mark <= colon { break running }
          // The value first: what is unusual about it must show before anything is changed.
          let byte = unsafe base[Int(value)]
          let isContainer = byte | 0x20 == UInt8(ascii: "{")
          var last = after &- 1
          if isContainer {
            guard unsafe frame < deepest else { break running }
          } else if unsafe byte != UInt8(ascii: "\"") || base[Int(last)] != UInt8(ascii: "\"") {
            unsafe last = Self.leaf(base, byte, from: value, before: after)
            guard last != 0 else { break running }
          }
          let isWatched: Bool
          if unsafe entry < entryEnd, unsafe Self.isPredicted(base, entry, key: key, colon: colon) {
            unsafe links[index &+ 1] = entry.pointee.hash
            isWatched = unsafe entry.pointee.isWatched
            unsafe entry += 1
          } else {
            let found = unsafe otherKey(base, frame, entry, index, key: key, colon: colon)
            guard found != 0 else { break running }
            unsafe entryEnd = entry
            unsafe links[index &+ 1] = UInt32(truncatingIfNeeded: found)
            isWatched = found & Self.watched != 0
          }
          if isWatched {
            unsafe hit.pointee = unsafe JSONHit(.key, index, container: frame.pointee.open)
            unsafe hit += 1
          }
          unsafe links[index] = colon &- 1
          if isContainer {
            unsafe leave(frame, entry)
            let slot = unsafe Self.slot(inside: frame)
            unsafe frame += 1
            let isObject = byte == UInt8(ascii: "{")
            unsafe enter(frame, index &+ 2, isObject: isObject, slot: slot)
            index &+= 3
            if !isObject {
              expect = .elementOrClose
              continue running
            }
            unsafe resume(frame, &entry, &entryEnd)
            expect = .memberOrClose
            continue members
          }
          unsafe links[index &+ 2] = last
          if after >= fence, mark < last {
            if watching {
              unsafe hit.pointee = unsafe JSONHit(.text, index &+ 2, container: frame.pointee.open)
              unsafe hit += 1
            }
            mark = firstMark(from: Int(last))
            fence = min(mark, stop)
          }
          guard unsafe base[Int(after)] == UInt8(ascii: ",") else {
            index &+= 3
            expect = .commaOrClose
            continue running
          }
          index &+= 4
          expect = .member
        }

      case .element, .elementOrClose:
        let value = unsafe positions[index]
        let after = unsafe positions[index &+ 1]
        guard after < stop else { break running }
        let byte = unsafe base[Int(value)]
        if byte | 0x20 == UInt8(ascii: "{") {
          guard unsafe frame < deepest else { break running }
          let slot = unsafe frame.pointee.slot
          unsafe frame += 1
          let isObject = byte == UInt8(ascii: "{")
          unsafe enter(frame, index, isObject: isObject, slot: slot)
          if isObject { unsafe resume(frame, &entry, &entryEnd) }
          expect = isObject ? .memberOrClose : .elementOrClose
          index &+= 1
          continue running
        }
        if byte == UInt8(ascii: "]"), expect == .elementOrClose {
          expect = .commaOrClose
          continue running
        }
        let last = unsafe Self.leaf(base, byte, from: value, before: after)
        guard last != 0 else { break running }
        unsafe links[index] = last
        if after >= fence, mark < last {
          if watching {
            unsafe hit.pointee = unsafe JSONHit(.text, index, container: frame.pointee.open)
            unsafe hit += 1
          }
          mark = firstMark(from: Int(last))
          fence = min(mark, stop)
        }
        index &+= 1
        expect = .commaOrClose

      case .commaOrClose:
        let place = unsafe positions[index]
        guard place < stop else { break running }
        let byte = unsafe base[Int(place)]
        let isObject = unsafe frame.pointee.isObject
        if byte == UInt8(ascii: ",") {
          index &+= 1
          expect = isObject ? .member : .element
          continue running
        }
        guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")),
          unsafe frame.pointee.keys <= Self.keysComparedOneByOne, unsafe frame > frames + 1
        else { break running }
        let opening = unsafe Int(frame.pointee.open)
        unsafe frame -= 1
        unsafe links[opening] = UInt32(truncatingIfNeeded: index) | Self.containerTag
        unsafe links[index] = frame.pointee.open | Self.containerTag
        if unsafe frame.pointee.isObject { unsafe resume(frame, &entry, &entryEnd) }
        index &+= 1

      case .root, .nothing: break running
      }
    }
    unsafe leave(frame, entry)
    next = index
    self.expect = expect
    unsafe depth = frame - frames
    unsafe hitCount = hit - hits
    markCursor = mark == UInt32.max ? Int(scan.scanned) : Int(mark)
  }

  /// The part of a run that most bytes of a table are in: members with the predicted keys whose values are strings, short
  /// numbers and literals. Apart from `run`, so that all it needs has a register.
  ///
  /// Returns how many tokens were taken, four for each member and three for one that no comma follows, which is then the last;
  /// and where the next hit goes.
  @inline(never)
  private static func predictedMembers(
    _ base: UnsafePointer<UInt8>, _ positions: UnsafeMutablePointer<UInt32>,
    _ links: UnsafeMutablePointer<UInt32>, _ first: UnsafeMutablePointer<JSONShapeEntry>,
    _ end: UnsafeMutablePointer<JSONShapeEntry>, fence: UInt32,
    hit: UnsafeMutablePointer<JSONHit>, first token: Int, open: UInt32
  ) -> (Int, UnsafeMutablePointer<JSONHit>) {
    var hit = unsafe hit
    var entry = unsafe first
    var at = 0
    while unsafe entry < end {
      let after = unsafe positions[at &+ 3]
      guard after < fence else { break }
      let value = unsafe positions[at &+ 2]
      let last = after &- 1
      let byte = unsafe base[Int(value)]
      if byte != UInt8(ascii: "\"") {
        guard unsafe isUsual(base + Int(value), byte, Int(after &- value)) else { break }
      } else {
        guard unsafe base[Int(last)] == UInt8(ascii: "\"") else { break }
      }
      let key = unsafe positions[at]
      let colon = unsafe positions[at &+ 1]
      guard unsafe isPredicted(base, entry, key: key, colon: colon) else { break }
      unsafe links[at] = colon &- 1
      unsafe links[at &+ 1] = entry.pointee.hash
      unsafe links[at &+ 2] = last
      if unsafe entry.pointee.isWatched {
        unsafe hit.pointee = JSONHit(.key, token &+ at, container: open)
        unsafe hit += 1
      }
      at &+= 3
      guard unsafe base[Int(after)] == UInt8(ascii: ",") else { break }
      unsafe entry += 1
      at &+= 1
    }
    return unsafe (at, hit)
  }

  private static var watched: UInt64 { 1 << 32 }

  /// A key that was not predicted: its hash, with `watched` and a bit above it set, or 0 when it is unusual. The step's
  /// value is known to be usual.
  @inline(never)
  private mutating func otherKey(
    _ base: UnsafePointer<UInt8>, _ frame: UnsafeMutablePointer<JSONFrame>,
    _ entry: UnsafeMutablePointer<JSONShapeEntry>, _ index: Int, key: UInt32, colon: UInt32
  ) -> UInt64 {
    let size = colon &- key &- 2
    // One to sixteen bytes, with quotes and colon in their places.
    guard size &- 1 < 16,
      unsafe Self.load(base, at: colon &- 1, as: UInt16.self) == 0x3A22,
      unsafe base[Int(key)] == UInt8(ascii: "\"")
    else { return 0 }
    let row = unsafe tables + (16 &+ Int(size &<< 1))
    let low = unsafe Self.load(base, at: key &+ 1, as: UInt64.self) & row[0]
    let high = unsafe Self.load(base, at: key &+ 9, as: UInt64.self) & row[1]
    let hash = UInt32(truncatingIfNeeded: JSONHash.combine(low, high, seed))
    unsafe links[index] = colon &- 1
    unsafe links[index &+ 1] = hash
    if unsafe frame.pointee.isPredicted {
      unsafe stopPredicting(frame, keys: predicted(frame, entry))
    }
    // Whether an earlier key may have this hash, and then whether it is the same key.
    let seen = unsafe Self.seen(frame, hash)
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: hash)
    if unsafe seen.pointee & bit != 0, unsafe frame.pointee.keys < Self.keysComparedOneByOne,
      unsafe hasEarlier(base, than: index, in: Int(frame.pointee.open))
    {
      return 0
    }
    unsafe seen.pointee |= bit
    unsafe frame.pointee.keys &+= 1
    unsafe remember(base, frame, key: key, colon: colon, hash: hash)
    let isWatched = unsafe tables[JSONWatch.word(hash)] &>> JSONWatch.bit(hash) & 1 != 0
    return UInt64(hash) | 1 &<< 33 | (isWatched ? Self.watched : 0)
  }

  /// Takes up the keys of an object again, or begins them.
  @inline(__always)
  private mutating func resume(
    _ frame: UnsafeMutablePointer<JSONFrame>,
    _ entry: inout UnsafeMutablePointer<JSONShapeEntry>,
    _ entryEnd: inout UnsafeMutablePointer<JSONShapeEntry>
  ) {
    let first = unsafe shapeEntries + Int(frame.pointee.slot) &* JSONShape.keysMax
    let shape = unsafe shapes + Int(frame.pointee.slot)
    if unsafe frame.pointee.isPredicted {
      if unsafe shape.pointee.version == frame.pointee.version {
        unsafe entry = first + Int(frame.pointee.keys)
        unsafe entryEnd = first + Int(shape.pointee.count)
        return
      }
      // An object inside this one has written to the shape.
      unsafe stopPredicting(frame, keys: frame.pointee.keys)
    }
    unsafe entry = first
    unsafe entryEnd = first
  }

  /// Notes how many keys were predicted before the frame is left for one inside it, or for `walk`.
  @inline(__always)
  private func leave(
    _ frame: UnsafeMutablePointer<JSONFrame>, _ entry: UnsafeMutablePointer<JSONShapeEntry>
  ) {
    if unsafe frame.pointee.isPredicted {
      unsafe frame.pointee.keys = predicted(frame, entry)
    }
  }

  @inline(__always)
  private func predicted(
    _ frame: UnsafeMutablePointer<JSONFrame>, _ entry: UnsafeMutablePointer<JSONShapeEntry>
  ) -> UInt32 {
    let first = unsafe shapeEntries + Int(frame.pointee.slot) &* JSONShape.keysMax
    let bytes = UInt(bitPattern: entry) &- UInt(bitPattern: first)
    return UInt32(truncatingIfNeeded: bytes / UInt(MemoryLayout<JSONShapeEntry>.stride))
  }

  @inline(__always)
  private static func isPredicted(
    _ base: UnsafePointer<UInt8>, _ entry: UnsafeMutablePointer<JSONShapeEntry>, key: UInt32,
    colon: UInt32
  ) -> Bool {
    let low = unsafe load(base, at: key, as: UInt64.self) & entry.pointee.lowMask
    let high = unsafe load(base, at: key &+ 8, as: UInt64.self) & entry.pointee.highMask
    return unsafe low == entry.pointee.low && high == entry.pointee.high
      && colon &- key == entry.pointee.size
  }

  @inline(__always)
  private static func load<Word: FixedWidthInteger & BitwiseCopyable>(
    _ base: UnsafePointer<UInt8>, at offset: UInt32, as type: Word.Type
  ) -> Word {
    unsafe Word(
      littleEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: Int(offset), as: Word.self)
    )
  }

  /// The last byte of the string, number or literal that begins with `byte` at `from`, or 0 when it is unusual.
  @inline(__always)
  private static func leaf(
    _ base: UnsafePointer<UInt8>, _ byte: UInt8, from: UInt32, before: UInt32
  ) -> UInt32 {
    let last = unsafe lastByte(base, before: before)
    if byte == UInt8(ascii: "\"") { return last }
    return unsafe isUsual(base + Int(from), byte, Int(last &- from) &+ 1) ? last : 0
  }

  /// Short numbers without exponent, and the literals.
  @inline(__always)
  private static func isUsual(
    _ place: UnsafePointer<UInt8>, _ first: UInt8, _ count: Int
  ) -> Bool {
    if first <= UInt8(ascii: "9") {
      let sign = first == UInt8(ascii: "-") ? 1 : 0
      let digits = count &- sign
      guard UInt(bitPattern: digits &- 1) < 8 else { return false }
      return unsafe isShortNumber(place + sign, digits)
    }
    let word = unsafe load(place, at: 0, as: UInt32.self)
    switch count {
    case 4: return word == 0x6575_7274 || word == 0x6C6C_756E  // "true", "null"
    case 5: return unsafe word == 0x736C_6166 && place[4] == UInt8(ascii: "e")
    default: return false
    }
  }
}
