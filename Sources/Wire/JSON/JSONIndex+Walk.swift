import CScan

// Stage two: the grammar. Tokens are taken in the largest steps the grammar has, a whole member or element, so that
// a step is either done or has left no trace, and reading can stop and resume between any two bytes.
//
// A member with a plain value is four tokens, `"` `:` value and `,` or `}`. Where the key and a plain value end follows
// from where the next token starts: only blanks can lie between.
//
//     {"id": 7, "n": {
//      ^   ^ ^^ ^  ^ ^        first step: tokens 1…4, key ends at 4 - 1, value at 8
//                             second step: `{` instead of a plain value: three tokens, and down one level

extension JSONIndex {
  /// Takes one step, if the tokens known so far allow it: a member, an element, a comma or a close. The slow and
  /// complete form of `run`, which takes it over again afterwards.
  mutating func walk(_ base: UnsafePointer<UInt8>, length: Int) -> JSONViolation? {
    let positions = unsafe self.positions
    let links = unsafe self.links
    let count = self.count
    var index = next
    var mark = firstMark(from: markCursor)
    var violation: JSONViolation?

    step: switch expect {
    case .memberOrClose, .member:
      // The close of an empty object.
      guard index < count else { break step }
      let keyStart = unsafe positions[index]
      if unsafe base[Int(keyStart)] != UInt8(ascii: "\"") {
        if expect == .memberOrClose, unsafe base[Int(keyStart)] == UInt8(ascii: "}") {
          expect = .commaOrClose
          break step
        }
        violation = JSONViolation(reason: .expectedKey, offset: keyStart)
        break step
      }
      guard index &+ 3 < count else { break step }
      let colon = unsafe positions[index &+ 1]
      guard unsafe base[Int(colon)] == UInt8(ascii: ":") else {
        violation = JSONViolation(reason: .expectedColon, offset: colon)
        break step
      }
      let keyEnd = unsafe Self.lastByte(base, before: colon)
      unsafe links[index] = keyEnd
      if let reason = unsafe key(
        base, length: length, token: index, start: keyStart &+ 1, end: keyEnd, mark: &mark)
      {
        violation = JSONViolation(reason: reason, offset: keyStart)
        break step
      }
      index &+= 2
      if let failed = unsafe value(base, length: length, index: &index, mark: &mark) {
        violation = failed
        break step
      }

    case .elementOrClose, .element:
      guard index < count else { break step }
      if expect == .elementOrClose, unsafe base[Int(positions[index])] == UInt8(ascii: "]") {
        expect = .commaOrClose
        break step
      }
      guard index &+ 1 < count else { break step }
      if let failed = unsafe value(base, length: length, index: &index, mark: &mark) {
        violation = failed
        break step
      }

    case .commaOrClose:
      guard index < count else { break step }
      let place = unsafe positions[index]
      let byte = unsafe base[Int(place)]
      let isObject = unsafe frames[depth].isObject
      if byte == UInt8(ascii: ",") {
        expect = isObject ? .member : .element
        index &+= 1
      } else if byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
        if let failed = unsafe close(base, at: index) {
          violation = failed
          break step
        }
        index &+= 1
      } else {
        violation = JSONViolation(reason: .expectedCommaOrClose, offset: place)
        break step
      }

    case .root:
      guard index < count else { break step }
      if let failed = unsafe root(base, index: &index) {
        violation = failed
      }

    case .nothing:
      guard index < count else { break step }
      violation = unsafe JSONViolation(reason: .trailingBytes, offset: positions[index])
      break step
    }
    next = index
    markCursor = mark == UInt32.max ? Int(scan.scanned) : Int(mark)
    return violation
  }

  /// Called when every token has been seen: whether the document is complete.
  mutating func finish(_ base: UnsafePointer<UInt8>, length: Int) -> JSONViolation? {
    // A plain value at the root is known to end only now. The token after the last one is the end of the document.
    if expect == .root, next < count {
      unsafe positions[count] = UInt32(truncatingIfNeeded: length)
      var index = next
      var mark = firstMark(from: markCursor)
      if let failed = unsafe value(base, length: length, index: &index, mark: &mark) {
        return failed
      }
      next = index
      if next < count {
        return unsafe JSONViolation(reason: .trailingBytes, offset: positions[next])
      }
      expect = .nothing
    }
    if expect == .nothing { return nil }
    return unsafe unfinished(base)
      ?? JSONViolation(
        reason: count == 0 ? .empty : .unexpectedEnd, offset: UInt32(truncatingIfNeeded: length))
  }

  /// Fewer tokens are left than any step takes: is one of them wrong in itself?
  private func unfinished(_ base: UnsafePointer<UInt8>) -> JSONViolation? {
    func byte(_ token: Int) -> UInt8? {
      unsafe token < count ? base[Int(positions[token])] : nil
    }
    func isValue(_ byte: UInt8?) -> Bool {
      guard let byte else { return true }
      return ![",", ":", "]", "}"].contains(UnicodeScalar(byte))
    }
    var value = next
    if expect == .member || expect == .memberOrClose {
      if let colon = byte(next &+ 1), colon != UInt8(ascii: ":") {
        return unsafe JSONViolation(reason: .expectedColon, offset: positions[next &+ 1])
      }
      value = next &+ 2
    }
    return isValue(byte(value))
      ? nil : unsafe JSONViolation(reason: .expectedValue, offset: positions[value])
  }

  /// The first token. Containers are entered; a plain value waits for the end of the document.
  @inline(never)
  private mutating func root(
    _ base: UnsafePointer<UInt8>, index: inout Int
  ) -> JSONViolation? {
    let place = unsafe positions[index]
    let byte = unsafe base[Int(place)]
    if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "["),
      byte == UInt8(ascii: "{") || limits.root == .anyValue
    {
      let failed = unsafe open(base, at: index)
      index &+= 1
      return failed
    }
    if place == 0, byte == 0xEF {
      return JSONViolation(reason: .byteOrderMark, offset: 0)
    }
    guard limits.root == .anyValue else {
      return JSONViolation(reason: .rootNotObject, offset: place)
    }
    return nil
  }

  /// One value at `index`, whose following token is known. Leaves `index` at the token after a plain value, or
  /// inside a container, and `expect` accordingly.
  @inline(__always)
  private mutating func value(
    _ base: UnsafePointer<UInt8>, length: Int, index: inout Int, mark: inout UInt32
  ) -> JSONViolation? {
    let start = unsafe positions[index]
    let byte = unsafe base[Int(start)]
    if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
      let failed = unsafe open(base, at: index)
      index &+= 1
      return failed
    }
    let end = unsafe Self.lastByte(base, before: positions[index &+ 1])
    if byte == UInt8(ascii: "\"") {
      unsafe links[index] = end
      if Int(end &- start) &- 1 > limits.stringLengthMax {
        return JSONViolation(reason: .stringTooLong, offset: start)
      }
      if mark < end {
        if watching { record(.text, index) }
        mark = firstMark(from: Int(end))
      }
    } else {
      unsafe links[index] = end
      if let reason = unsafe plain(base, length: length, byte, from: Int(start), to: Int(end) &+ 1)
      {
        return JSONViolation(reason: reason, offset: start)
      }
    }
    expect = .commaOrClose
    index &+= 1
    return nil
  }

  /// Offset of the last byte before `place` that is not a blank.
  @inline(__always)
  static func lastByte(_ base: UnsafePointer<UInt8>, before place: UInt32) -> UInt32 {
    var last = place &- 1
    while unsafe isBlank(base[Int(last)]) { last &-= 1 }
    return last
  }

  @inline(__always)
  private static func isBlank(_ byte: UInt8) -> Bool {
    byte <= 0x20
      && (byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
        || byte == UInt8(ascii: "\r"))
  }

  @inline(__always)
  private mutating func open(
    _ base: UnsafePointer<UInt8>, at index: Int
  ) -> JSONViolation? {
    let place = unsafe positions[index]
    guard depth < depthMax else {
      return JSONViolation(reason: .tooDeep, offset: place)
    }
    depth &+= 1
    let isObject = unsafe base[Int(place)] == UInt8(ascii: "{")
    let outer = unsafe frames + (depth &- 1)
    let slot =
      unsafe depth == 1 ? 0 : outer.pointee.isObject ? Self.slot(inside: outer) : outer.pointee.slot
    unsafe enter(frames + depth, index, isObject: isObject, slot: slot)
    expect = isObject ? .memberOrClose : .elementOrClose
    return nil
  }

  @inline(__always)
  private mutating func close(
    _ base: UnsafePointer<UInt8>, at index: Int
  ) -> JSONViolation? {
    let opening = unsafe Int(frames[depth].open)
    if unsafe frames[depth].keys > Self.keysComparedOneByOne {
      if let failed = unsafe verifyKeys(base, of: opening, closing: index) { return failed }
    }
    depth &-= 1
    unsafe links[opening] = UInt32(truncatingIfNeeded: index) | Self.containerTag
    let parent = unsafe depth == 0 ? Self.noParent : frames[depth].open
    unsafe links[index] = parent | Self.containerTag
    expect = depth == 0 ? .nothing : .commaOrClose
    return nil
  }

  @inline(__always)
  mutating func record(_ kind: JSONHit.Kind, _ token: Int) {
    unsafe hits[hitCount] = unsafe JSONHit(kind, token, container: frames[depth].open)
    hitCount &+= 1
  }

  /// Offset of the first mark (backslash or apostrophe) at or after `from`, among the blocks scanned so far.
  @inline(never)
  func firstMark(from: Int) -> UInt32 {
    let end = (Int(scan.scanned) &+ 63) &>> 6
    var word = from &>> 6
    guard word < end else { return .max }
    var bits = unsafe marks[word] & (~0 &<< UInt64(truncatingIfNeeded: from & 63))
    while bits == 0 {
      word &+= 1
      guard word < end else { return .max }
      bits = unsafe marks[word]
    }
    return UInt32(truncatingIfNeeded: word &<< 6 &+ bits.trailingZeroBitCount)
  }
}
