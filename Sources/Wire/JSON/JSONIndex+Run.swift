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
    let end = count &- 3
    var index = next
    guard index < end, length > Self.margin, limits.stringLengthMax >= length,
      limits.numberLengthMax >= 9
    else { return }
    let positions = unsafe self.positions
    let links = unsafe self.links
    let tables = unsafe self.tables
    let seed = self.seed
    let stop = UInt32(truncatingIfNeeded: length &- Self.margin)
    let deepest = unsafe frames + limits.depthMax
    var frame = unsafe frames + depth
    var expect = self.expect
    var mark = firstMark(from: markCursor)
    // Up to here a step need not ask whether it comes too near the end or meets a mark.
    var fence = min(mark, stop)
    var hit = unsafe hits + hitCount

    running: while index < end {
      switch expect {
      case .member, .memberOrClose:
        members: repeat {
          let key = unsafe positions[index]
          let colon = unsafe positions[index &+ 1]
          let value = unsafe positions[index &+ 2]
          let after = unsafe positions[index &+ 3]
          let size = colon &- key &- 2
          // One to sixteen bytes, with quotes and colon in their places.
          guard size &- 1 < 16, after < stop,
            unsafe Self.load(base, at: colon &- 1, as: UInt16.self) == 0x3A22,
            unsafe base[Int(key)] == UInt8(ascii: "\"")
          else {
            if expect == .memberOrClose, unsafe base[Int(key)] == UInt8(ascii: "}") {
              expect = .commaOrClose
              continue running
            }
            break running
          }
          let byte = unsafe base[Int(value)]
          var last = after &- 1
          var isContainer = false
          let isPlainString = unsafe byte == UInt8(ascii: "\"") && base[Int(last)] == byte
          if !isPlainString {
            isContainer = byte | 0x20 == UInt8(ascii: "{")
            if isContainer {
              guard unsafe frame < deepest else { break running }
            } else {
              unsafe last = Self.leaf(base, byte, from: value, before: after)
              guard last != 0 else { break running }
            }
          }
          if after >= fence {
            // A mark in the key is for `walk`; one in the value is noted when the key has been.
            guard mark > colon else { break running }
          }

          let row = unsafe tables + (16 &+ Int(size &<< 1))
          let low = unsafe Self.load(base, at: key &+ 1, as: UInt64.self) & row[0]
          let high = unsafe Self.load(base, at: key &+ 9, as: UInt64.self) & row[1]
          let hash = UInt32(truncatingIfNeeded: JSONHash.combine(low, high, seed))
          unsafe links[index] = colon &- 1
          unsafe links[index &+ 1] = hash
          // Whether an earlier key of the object may have this hash, and then whether it is the same key.
          let seen = unsafe Self.seen(frame, hash)
          let known = unsafe seen.pointee
          if known &>> UInt64(truncatingIfNeeded: hash) & 1 != 0,
            unsafe frame.pointee.keys < Self.keysComparedOneByOne,
            unsafe hasEarlier(base, than: index, in: Int(frame.pointee.open))
          {
            break running
          }
          unsafe seen.pointee = known | 1 &<< UInt64(truncatingIfNeeded: hash)
          unsafe frame.pointee.keys &+= 1
          if unsafe tables[JSONWatch.word(hash)] &>> JSONWatch.bit(hash) & 1 != 0 {
            unsafe hit.pointee = unsafe JSONHit(.key, index, container: frame.pointee.open)
            unsafe hit += 1
          }
          if isContainer {
            unsafe frame += 1
            unsafe Self.open(frame, index &+ 2, isObject: byte == UInt8(ascii: "{"))
            expect = byte == UInt8(ascii: "{") ? .memberOrClose : .elementOrClose
            index &+= 3
            continue running
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
        } while index < end

      case .element, .elementOrClose:
        let value = unsafe positions[index]
        let after = unsafe positions[index &+ 1]
        let byte = unsafe base[Int(value)]
        guard after < stop else { break running }
        if byte | 0x20 == UInt8(ascii: "{") {
          guard unsafe frame < deepest else { break running }
          unsafe frame += 1
          unsafe Self.open(frame, index, isObject: byte == UInt8(ascii: "{"))
          expect = byte == UInt8(ascii: "{") ? .memberOrClose : .elementOrClose
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
        let byte = unsafe base[Int(positions[index])]
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
        index &+= 1

      case .root, .nothing: break running
      }
    }
    next = index
    self.expect = expect
    unsafe depth = frame - frames
    unsafe hitCount = hit - hits
    markCursor = mark == UInt32.max ? Int(scan.scanned) : Int(mark)
  }

  @inline(__always)
  private static func load<Word: FixedWidthInteger & BitwiseCopyable>(
    _ base: UnsafePointer<UInt8>, at offset: UInt32, as type: Word.Type
  ) -> Word {
    unsafe Word(
      littleEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: Int(offset), as: Word.self)
    )
  }

  /// Where the frame remembers whether it has seen a hash.
  @inline(__always)
  private static func seen(
    _ frame: UnsafeMutablePointer<JSONFrame>, _ hash: UInt32
  ) -> UnsafeMutablePointer<UInt64> {
    unsafe UnsafeMutableRawPointer(frame)
      .advanced(by: MemoryLayout<JSONFrame>.offset(of: \.seen)!)
      .assumingMemoryBound(to: UInt64.self) + Int(hash &>> 6 & 3)
  }

  /// The last byte of the string, number or literal that begins with `byte` at `from`, or 0 when it is unusual.
  @inline(__always)
  private static func leaf(
    _ base: UnsafePointer<UInt8>, _ byte: UInt8, from: UInt32, before: UInt32
  ) -> UInt32 {
    let last = unsafe lastByte(base, before: before)
    if byte == UInt8(ascii: "\"") { return last }
    return unsafe isUsual(base + Int(from), Int(last &- from) &+ 1) ? last : 0
  }

  /// Short numbers without exponent, and the literals.
  @inline(never)
  private static func isUsual(_ place: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let sign = unsafe place[0] == UInt8(ascii: "-") ? 1 : 0
    let digits = count &- sign
    if UInt(bitPattern: digits &- 1) < 8, unsafe isShortNumber(place + sign, digits) {
      return true
    }
    let word = unsafe load(place, at: 0, as: UInt32.self)
    switch count {
    case 4: return word == 0x6575_7274 || word == 0x6C6C_756E  // "true", "null"
    case 5: return unsafe word == 0x736C_6166 && place[4] == UInt8(ascii: "e")
    default: return false
    }
  }

  @inline(__always)
  private static func open(
    _ frame: UnsafeMutablePointer<JSONFrame>, _ index: Int, isObject: Bool
  ) {
    unsafe frame.pointee = JSONFrame(
      open: UInt32(truncatingIfNeeded: index), keys: 0, isObject: isObject)
  }
}
