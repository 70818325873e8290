import Wire

// Data comes in rows. Where members of an object or elements of an array are complete in the piece at hand, they are read and
// masked by what reads and masks whole messages, many at a time; the rest is read byte by byte.
//
//     piece:   89"},{"ssn":"…","n":1},{"ssn":"…","n":2}, … ,{"ssn":"12
//              bytes ┘└──────────── members ─────────────┘ └ bytes

extension StreamMasker {
  /// How often it may have been in vain in one piece.
  static var membersTriesMax: Int { 4 }

  /// Whether a member or element of data comes next that nothing around it masks, and enough of the piece is left.
  @inline(__always)
  func mayTakeMembers(_ level: StreamLevel, _ left: Int) -> Bool {
    guard left >= limits.membersBytesMin else { return false }
    switch level.expect {
    case .memberOrClose, .member, .elementOrClose, .element:
      let frame = level.frames[level.frames.count - 1]
      return frame.region == .data && frame.treatment == nil
    case .root, .colon, .value, .commaOrClose, .nothing: return false
    }
  }

  /// Takes the members that are complete. Changes nothing when there are none, or when something about them is unusual: whoever
  /// reads on finds out.
  func takeMembers(
    _ bytes: RawSpan, _ level: StreamLevel, _ at: inout Int, _ passed: inout Int,
    _ masker: inout Masker, _ tries: inout Int
  ) {
    let left = bytes.byteCount &- at
    let isObject = level.frames[level.frames.count - 1].isObject
    members.removeAll()
    members.append(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
    members.append(bytes.extracting(droppingFirst: at))
    let depthMax = limits.depthMax - level.frames.count + 1
    let count =
      masks
      ? masker.readMembers(
        members.bytes, level: level.number, watch: program.watch, depthMax: depthMax)
      : masker.readMembers(members.bytes, level: level.number, watch: .none, depthMax: depthMax)
    // What closes soon or hardly begins would be tried again and again.
    if count < left / 8 { tries -= 1 }
    guard count > 1 else { return }
    // With what stands for the document's end, which whoever walks it looks at.
    let taken = members.bytes.extracting(first: count &+ 1)
    let keysBefore = level.keys.count
    if isObject, !addKeys(taken, level, masker) {
      level.keys.removeLast(level.keys.count - keysBefore)
      tries = 0
      return
    }
    guard let values = maskMembers(taken, level, &masker) else {
      level.keys.removeLast(level.keys.count - keysBefore)
      tries = 0
      return
    }
    if values > 0 {
      emit(bytes.extracting(passed..<at), level)
      emit(written.bytes.extracting(1..<written.count &- 1), level)
      passed = at &+ count &- 1
      maskedValues &+= values
    }
    at &+= count &- 1
    level.expect = .commaOrClose
  }

  /// Masks what was taken, into `written`; nil when there is no room.
  private func maskMembers(
    _ taken: RawSpan, _ level: StreamLevel, _ masker: inout Masker
  ) -> Int? {
    guard masks else { return 0 }
    setReached(level.frames.count, level, &masker, for: level.number)
    let room = masker.roomForMembers(taken.byteCount, level: level.number)
    written.removeAll()
    var writer = unsafe MaskWriter(into: written.room(room), capacity: room)
    let values = unsafe masker.maskMembers(
      taken, level: level.number, tables: program.tables, watch: program.watch, active: active,
      into: &writer)
    guard unsafe !writer.overflowed else { return nil }
    if values > 0 { unsafe written.added(writer.count) }
    return values
  }

  /// Adds the keys of an object of which part was taken to those that it has already; false when one of them needs a look.
  private func addKeys(
    _ taken: RawSpan, _ level: StreamLevel, _ masker: borrowing Masker
  ) -> Bool {
    masker.everyKey(level: level.number) { place in
      guard level.keys.count < StreamLimits.keysMax else { return false }
      level.name.unescape(taken.extracting(place.range))
      guard !isRelatedTask(level.name.bytes, level) else { return false }
      level.keys.append(hash(level.name.bytes))
      return true
    }
  }
}
