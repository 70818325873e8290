import Wire

// The grammar, a byte at a time where it is not a string's and no members are taken at a time. Whatever is not replaced is passed on in stretches:
//
//     piece:   … ,"n":12,"ssn":"123-45-6789","k":"it's" …
//              copied ────────┘ replaced     └───┘ kept until it ends

extension StreamMasker {
  /// Reads a piece of a level's document.
  func read(
    _ bytes: RawSpan, _ level: StreamLevel, _ masker: inout Masker
  ) -> StreamViolation? {
    var at = 0
    /// Up to here the piece was passed on, or must not be.
    var passed = 0
    var tries = Self.membersTriesMax
    let count = bytes.byteCount
    while at < count {
      if level.isInString {
        if let found = readString(bytes, level, &at, &passed, &masker) { return found }
      } else if level.isInToken {
        if let found = readToken(bytes, level, &at, &passed) { return found }
      } else {
        let byte = bytes.at(at)
        if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
          at &+= 1
          if hasClosed(level) { passed = at }
          continue
        }
        if tries > 0, mayTakeMembers(level, count &- at) {
          let before = at
          takeMembers(bytes, level, &at, &passed, &masker, &tries)
          if at != before { continue }
        }
        if let found = step(byte, bytes, level, &at, &passed, &masker) {
          return found
        } else if hasClosed(level) {
          // The last brace of the message waits for `finish`.
          emit(bytes.extracting(passed..<at &- 1), level)
          passed = at
        }
      }
    }
    emit(bytes.extracting(min(passed, count)..<count), level)
    return nil
  }

  /// Whether the message itself has ended.
  private func hasClosed(_ level: StreamLevel) -> Bool {
    level.expect == .nothing && level.number == 0
  }

  /// One byte of structure.
  private func step(
    _ byte: UInt8, _ bytes: RawSpan, _ level: StreamLevel, _ at: inout Int, _ passed: inout Int,
    _ masker: inout Masker
  ) -> StreamViolation? {
    switch level.expect {
    case .root:
      guard level.number > 0 || byte == UInt8(ascii: "{") else { return .json(.rootNotObject) }
      level.value = rootValue(level)
      return beginValue(byte, bytes, level, &at, &passed)
    case .memberOrClose, .member:
      if byte == UInt8(ascii: "\"") {
        begin(.key, level)
        at &+= 1
        return nil
      }
      guard byte == UInt8(ascii: "}"), level.expect == .memberOrClose else {
        return .json(.expectedKey)
      }
      return close(level, &at)
    case .colon:
      guard byte == UInt8(ascii: ":") else { return .json(.expectedColon) }
      level.expect = .value
      at &+= 1
      return nil
    case .value: return beginValue(byte, bytes, level, &at, &passed)
    case .elementOrClose, .element:
      if byte == UInt8(ascii: "]"), level.expect == .elementOrClose { return close(level, &at) }
      level.value = elementValue(level)
      return beginValue(byte, bytes, level, &at, &passed)
    case .commaOrClose:
      let isObject = level.frames[level.frames.count - 1].isObject
      if byte == UInt8(ascii: ",") {
        level.expect = isObject ? .member : .element
        at &+= 1
        return nil
      }
      guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
        return .json(.expectedCommaOrClose)
      }
      return close(level, &at)
    case .nothing: return .json(.trailingBytes)
    }
  }

  // MARK: Values

  private func beginValue(
    _ byte: UInt8, _ bytes: RawSpan, _ level: StreamLevel, _ at: inout Int, _ passed: inout Int
  ) -> StreamViolation? {
    let value = level.value
    if value.mustBeObject, byte != UInt8(ascii: "{") { return .envelope }
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      guard value.note == .none || value.note == .isError else { return .envelope }
      return open(byte == UInt8(ascii: "{"), level, &at)
    case UInt8(ascii: "\""):
      if value.treatment == .redact {
        emit(bytes.extracting(passed..<at), level)
        emit("\"[redacted]\"", level)
        maskedValues &+= 1
        begin(.swallow, level)
        passed = at &+ 1
      } else if value.treatment == .partial {
        emit(bytes.extracting(passed..<at), level)
        begin(.partial, level)
        passed = at &+ 1
      } else if value.note != .none && value.note != .isError {
        begin(.note, level)
      } else if masks, value.isText || value.isEncoded {
        emit(bytes.extracting(passed...at), level)
        passed = at &+ 1
        if value.isText { noteReach(level) }
        begin(value.isText ? .text : .encoded, level)
      } else {
        begin(.copy, level)
      }
      at &+= 1
      return nil
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "t"),
      UInt8(ascii: "f"), UInt8(ascii: "n"):
      level.isInToken = true
      level.token.removeAll()
      level.isTokenCopied = value.treatment == nil
      if value.treatment != nil {
        emit(bytes.extracting(passed..<at), level)
        passed = at
        emitReplacement(of: byte, level)
      }
      return nil
    default: return .json(.expectedValue)
    }
  }

  private func emitReplacement(of byte: UInt8, _ level: StreamLevel) {
    maskedValues &+= 1
    switch byte {
    case UInt8(ascii: "t"), UInt8(ascii: "f"): emit("false", level)
    case UInt8(ascii: "n"): emit("null", level)
    default: emit("0", level)
    }
  }

  private func open(_ isObject: Bool, _ level: StreamLevel, _ at: inout Int) -> StreamViolation? {
    guard level.frames.count < limits.depthMax else { return .json(.tooDeep) }
    noteReach(level)
    var frame = StreamFrame(
      isObject: isObject, region: level.value.region, treatment: level.value.treatment,
      firstKey: level.keys.count)
    if level.value.treatment != nil, !level.value.isInherited { frame.valuesBefore = maskedValues }
    level.frames.append(frame)
    level.expect = isObject ? .memberOrClose : .elementOrClose
    at &+= 1
    return nil
  }

  private func close(_ level: StreamLevel, _ at: inout Int) -> StreamViolation? {
    let frame = level.frames.removeLast()
    if frame.isObject, hasDuplicate(level, from: frame.firstKey) { return .json(.duplicateKey) }
    level.keys.removeLast(level.keys.count - frame.firstKey)
    // An empty container is replaced by itself, which still counts: the rule applied.
    if frame.valuesBefore == maskedValues { maskedValues &+= 1 }
    valueEnded(level)
    at &+= 1
    return nil
  }

  func valueEnded(_ level: StreamLevel) {
    level.expect = level.frames.isEmpty ? .nothing : .commaOrClose
  }

  // MARK: Plain tokens

  private func readToken(
    _ bytes: RawSpan, _ level: StreamLevel, _ at: inout Int, _ passed: inout Int
  ) -> StreamViolation? {
    let start = at
    while at < bytes.byteCount, Self.isOfToken(bytes.at(at)) { at &+= 1 }
    guard level.token.count &+ at &- start <= StreamLimits.numberBytesMax else {
      return .json(.numberTooLong)
    }
    level.token.append(bytes.extracting(start..<at))
    if !level.isTokenCopied { passed = at }
    guard at < bytes.byteCount else { return nil }
    return endToken(level)
  }

  private static func isOfToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "+"),
      UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// The token is whole.
  private func endToken(_ level: StreamLevel) -> StreamViolation? {
    level.isInToken = false
    let token = level.token.bytes
    switch token.at(0) {
    case UInt8(ascii: "t"): guard token.isText("true") else { return .json(.expectedValue) }
    case UInt8(ascii: "f"): guard token.isText("false") else { return .json(.expectedValue) }
    case UInt8(ascii: "n"): guard token.isText("null") else { return .json(.expectedValue) }
    default: guard token.isNumber else { return .json(.invalidNumber) }
    }
    if level.value.note != .none, let found = note(token, level.value.note) { return found }
    valueEnded(level)
    return nil
  }
}

extension RawSpan {
  /// number = [ minus ] int [ frac ] [ exp ] (RFC 8259 §6).
  fileprivate var isNumber: Bool {
    var at = 0
    func digits() -> Bool {
      let start = at
      while at < byteCount, self.at(at) &- UInt8(ascii: "0") < 10 { at &+= 1 }
      return at > start
    }
    if byteCount > 0, self.at(0) == UInt8(ascii: "-") { at = 1 }
    let integer = at
    guard digits() else { return false }
    if self.at(integer) == UInt8(ascii: "0"), at > integer &+ 1 { return false }
    if at < byteCount, self.at(at) == UInt8(ascii: ".") {
      at &+= 1
      guard digits() else { return false }
    }
    if at < byteCount, self.at(at) | 0x20 == UInt8(ascii: "e") {
      at &+= 1
      if at < byteCount, self.at(at) == UInt8(ascii: "+") || self.at(at) == UInt8(ascii: "-") {
        at &+= 1
      }
      guard digits() else { return false }
    }
    return at == byteCount
  }
}
