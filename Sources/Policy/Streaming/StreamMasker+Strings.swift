import Wire

// Strings: what is kept until they end, and what becomes of it.

extension StreamMasker {
  func begin(_ mode: StringMode, _ level: StreamLevel) {
    level.isInString = true
    level.mode = mode
    level.string = StreamString()
    level.isNoJSON = false
    level.held.removeAll()
  }

  /// Reads on in the string that has begun.
  func readString(
    _ bytes: RawSpan, _ level: StreamLevel, _ at: inout Int, _ passed: inout Int,
    _ masker: inout Masker
  ) -> StreamViolation? {
    let decodes = level.mode == .nested || level.mode == .plain
    if decodes { level.decoded.removeAll() }
    let start = at
    let (stop, end) = level.string.read(bytes, from: at, decoded: decodes ? level.decoded : nil)
    if case .violation(let reason) = end { return .json(reason) }
    let part = bytes.extracting(start..<stop)
    let isClosed = end == .closed
    at = isClosed ? stop &+ 1 : stop
    if isClosed { level.isInString = false }
    switch level.mode {
    case .copy: break
    case .key:
      guard level.held.count &+ part.byteCount <= StreamLimits.keyBytesMax else { return .keys }
      guard isClosed else {
        level.held.append(part)
        return nil
      }
      return endKey(kept(part, level), level, &masker)
    case .note:
      guard level.held.count &+ part.byteCount <= StreamLimits.noteBytesMax else {
        return .envelope
      }
      level.held.append(part)
      if isClosed, let found = noteString(level) { return found }
    case .swallow: passed = at
    case .withheld: passed = stop
    case .nested, .plain:
      passed = stop
      if level.mode == .nested {
        readNested(level, isClosed: isClosed, &masker)
      } else {
        readPlain(level)
      }
    case .text, .encoded, .partial:
      passed = level.mode == .partial ? at : stop
      if isClosed {
        endHeld(kept(part, level), level, &masker)
      } else {
        level.held.append(part)
        outgrow(level, &masker)
      }
    }
    if isClosed { valueEnded(level) }
    return nil
  }

  /// The whole contents of a string of which `last` is the last part.
  @_lifetime(copy last)
  private func kept(_ last: RawSpan, _ level: StreamLevel) -> RawSpan {
    if level.held.isEmpty { return last }
    level.held.append(last)
    return level.held.bytes
  }

  // MARK: Strings that have ended

  /// A string that was kept whole: gives out what stands in its place.
  private func endHeld(_ contents: RawSpan, _ level: StreamLevel, _ masker: inout Masker) {
    if level.mode == .text, !level.string.hasMark { return emit(contents, level) }
    written.removeAll()
    let room = min(8 * contents.byteCount, 2 * contents.byteCount + 512 << 10) + 4096
    var writer = unsafe MaskWriter(into: written.room(room), capacity: room)
    var values = 0
    switch level.mode {
    case .text: values = unsafe maskText(contents, level, &masker, &writer)
    case .encoded:
      values = unsafe masker.maskEncoded(
        contents, tables: program.tables, watch: program.watch, active: active, into: &writer)
    default:
      values = 1
      if unsafe !masker.partialString(contents, into: &writer) { unsafe writer.appendRedacted() }
    }
    guard values > 0 else { return emit(contents, level) }
    maskedValues &+= values
    guard unsafe !writer.overflowed else { return emitNotice(level) }
    unsafe written.added(writer.count)
    emit(written.bytes, level)
  }

  /// As `Masker` masks the text of a hit.
  private func maskText(
    _ contents: RawSpan, _ level: StreamLevel, _ masker: inout Masker, _ writer: inout MaskWriter
  ) -> Int {
    if let done = unsafe masker.readText(
      contents, level: level.number, tables: program.tables, watch: program.watch, active: active,
      into: &writer)
    {
      return done
    }
    setReached(level.frames.count + 1, level, &masker, for: level.number + 1)
    return unsafe masker.maskRead(
      level: level.number, tables: program.tables, watch: program.watch, active: active,
      into: &writer)
  }

  /// Tells the masker which beginnings of paths lead to what a level of its own will read.
  /// - Parameter row: whose they are: the container's so many levels down, or, one more, the next value's.
  func setReached(
    _ row: Int, _ level: StreamLevel, _ masker: inout Masker, for inner: Int
  ) {
    guard !paths.isEmpty else { return }
    unsafe masker.setReached(level: inner, program.tables.fields.count) { reached in
      for (number, field) in paths.enumerated() {
        unsafe reached[field] = level.reach[row * paths.count + number]
      }
    }
  }

  /// What stands in for the rest of a string that cannot be masked reliably.
  private func emitNotice(_ level: StreamLevel) {
    if level.mode == .encoded {
      var writer = unsafe MaskWriter(into: written.room(256), capacity: 256)
      unsafe writer.appendBase64(Masker.noticeBytes)
      let count = unsafe writer.count
      unsafe emit(RawSpan(_unsafeStart: written.room(256), byteCount: count), level)
    } else if level.mode == .partial {
      emit("\"[redacted]\"", level)
    } else {
      emit(Masker.notice, level)
    }
  }

  // MARK: Strings that are long

  /// A string that is kept has grown: whether it still may be, and how it goes on if not.
  private func outgrow(_ level: StreamLevel, _ masker: inout Masker) {
    let size = level.held.count
    guard level.mode == .text else {
      guard size > limits.textBytesMax else { return }
      return withholdRest(level)
    }
    guard size > limits.textBytesMax || (size > limits.nestedBytesMax && !level.isNoJSON)
    else { return }
    // What has been kept is read once more, this time to be decoded.
    level.decoded.removeAll()
    var again = StreamString()
    _ = again.read(level.held.bytes, from: 0, decoded: level.decoded)
    if !level.isNoJSON, MaskedNameSearch.mayBeJSON(level.decoded.bytes) {
      if level.number == Masker.nestingMax { return withholdRest(level) }
      if goesOnNested(level, &masker) { return }
    }
    level.isNoJSON = true
    guard size > limits.textBytesMax else { return }
    level.mode = .plain
    level.held.removeAll()
    readPlain(level)
  }

  /// Begins to read a text as JSON; false, and nothing given out, when the part that is there is none.
  private func goesOnNested(_ level: StreamLevel, _ masker: inout Masker) -> Bool {
    let inner = levels[level.number + 1]
    let given = output.count
    let values = maskedValues
    inner.reset()
    resetReach(inner, from: level)
    if read(level.decoded.bytes, inner, &masker) != nil {
      output.shorten(to: given)
      maskedValues = values
      return false
    }
    level.mode = .nested
    level.held.removeAll()
    return true
  }

  private func withholdRest(_ level: StreamLevel) {
    maskedValues &+= 1
    emitNotice(level)
    level.mode = level.mode == .partial ? .swallow : .withheld
    level.held.removeAll()
  }

  /// A text that is no JSON: it goes on until a quote could begin the name of a field.
  private func readPlain(_ level: StreamLevel) {
    let text = level.decoded.bytes
    for offset in 0..<text.byteCount {
      let byte = text.at(offset)
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return withholdRest(level) }
    }
    var rest = text
    while rest.byteCount > 0 {
      let part = rest.extracting(first: min(StreamLimits.pieceBytesMax, rest.byteCount))
      emit(part, levels[level.number + 1])
      rest = rest.extracting(droppingFirst: part.byteCount)
    }
  }

  /// What was decoded goes to the level further in. Whatever is wrong there withholds the rest of the string.
  private func readNested(_ level: StreamLevel, isClosed: Bool, _ masker: inout Masker) {
    let inner = levels[level.number + 1]
    let found = read(level.decoded.bytes, inner, &masker)
    if found != nil || (isClosed && inner.expect != .nothing) { withholdRest(level) }
  }
}
