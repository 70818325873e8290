import Wire

// Keys: no object has one twice, and they decide what becomes of their values.

extension StreamMasker {
  /// A key is whole.
  func endKey(
    _ contents: RawSpan, _ level: StreamLevel, _ masker: inout Masker
  ) -> StreamViolation? {
    level.expect = .colon
    level.name.removeAll()
    if level.string.hasEscapes {
      level.name.unescape(contents)
    } else {
      level.name.append(contents)
    }
    let name = level.name.bytes
    if name.byteCount > 0, name.at(name.byteCount - 1) == 0 { return .json(.keyEndsWithNull) }
    guard level.keys.count < StreamLimits.keysMax else { return .keys }
    level.keys.append(hash(name))
    let frame = level.frames[level.frames.count - 1]
    var value = StreamValue(region: .data)
    if let treatment = frame.treatment {
      value.treatment = treatment
      value.isInherited = true
    } else if frame.region == .data {
      if isRelatedTask(name, level) { return .needsWholeMessage }
      value.isText = true
      if masks { value.treatment = treatment(of: name, level, masker) }
    } else {
      if let found = skeleton(frame, contents, name, level, &value, &masker) { return found }
    }
    level.value = value
    return nil
  }

  /// A key of the protocol's own objects, or one that stands among them.
  private func skeleton(
    _ frame: StreamFrame, _ contents: RawSpan, _ name: RawSpan, _ level: StreamLevel,
    _ value: inout StreamValue, _ masker: inout Masker
  ) -> StreamViolation? {
    if frame.region == .envelope, level.frames.count == 1 {
      if let found = envelope(name, &value) { return found }
    } else if frame.region == .result {
      if Self.needsWhole(name) { return .needsWholeMessage }
      if name.isText("isError") { value.note = .isError }
      if name.isText("resultType") { value.note = .resultType }
    } else if frame.region == .error, name.isText("code") {
      value.note = .errorCode
    }
    switch masker.role(frame.region, contents, keyDocument) {
    case .plain: break
    case .content: value.isText = true
    case .encoded: value.isEncoded = true
    case .address: return .needsWholeMessage
    case .data:
      value.isText = true
      if masks { value.treatment = treatment(of: name, level, masker) }
    case .part(let region):
      guard Self.canStream(region) else { return .needsWholeMessage }
      value.isText = true
      value.region = region
    }
    return nil
  }

  /// Whether a key of data stands in `_meta` of a result and holds a task's id, which is sealed.
  func isRelatedTask(_ name: RawSpan, _ level: StreamLevel) -> Bool {
    level.number == 0 && level.frames.count == 3
      && name.isText("io.modelcontextprotocol/related-task")
  }

  /// What is rewritten, bound to its principal or judged, which takes the whole message.
  private static func needsWhole(_ name: RawSpan) -> Bool {
    name.isText("inputRequests") || name.isText("requestState") || name.isText("nextCursor")
      || name.isText("task") || name.isText("tasks") || name.isText("taskId")
  }

  private static func canStream(_ region: MaskRegion) -> Bool {
    switch region {
    case .envelope, .params, .definitions, .definition, .schema, .schemas, .requests,
      .elicitations, .elicitation:
      false
    case .result, .error, .errorData, .blocks, .block, .annotations, .resources, .resource,
      .messages,
      .message, .data:
      true
    }
  }

  private func envelope(_ name: RawSpan, _ value: inout StreamValue) -> StreamViolation? {
    if name.isText("jsonrpc") {
      value.note = .version
    } else if name.isText("id") {
      value.note = .id
    } else if name.isText("result") {
      guard kind == .unknown else { return .envelope }
      kind = .result
    } else if name.isText("error") {
      guard kind == .unknown else { return .envelope }
      kind = .error
      value.mustBeObject = true
    } else {
      return .envelope
    }
    return nil
  }

  // MARK: What the envelope says

  /// A string of the envelope is whole.
  func noteString(_ level: StreamLevel) -> StreamViolation? {
    switch level.value.note {
    case .version:
      hasVersion = says("2.0", level)
      return hasVersion ? nil : .envelope
    case .id:
      idLiteral.append(0x22)
      idLiteral.append(level.held.bytes)
      idLiteral.append(0x22)
      return nil
    case .resultType: return says("complete", level) ? nil : .needsWholeMessage
    case .none, .errorCode, .isError: return nil
    }
  }

  /// Whether the string that was kept is this text, with escapes or without: as it is read in a message that is whole.
  private func says(_ text: StaticString, _ level: StreamLevel) -> Bool {
    guard level.string.hasEscapes else { return level.held.bytes.isText(text) }
    level.decoded.unescape(level.held.bytes)
    return level.decoded.bytes.isText(text)
  }

  /// A plain token of the envelope is whole.
  func note(_ token: RawSpan, _ note: StreamNote) -> StreamViolation? {
    switch note {
    case .version: return .envelope
    case .id: idLiteral.append(token)
    case .isError: isToolError = token.isText("true")
    case .errorCode:
      let isNegative = token.at(0) == UInt8(ascii: "-")
      for offset in (isNegative ? 1 : 0)..<token.byteCount {
        // A fraction does not matter for the record, nor does what is out of range.
        let digit = token.at(offset) &- UInt8(ascii: "0")
        guard digit < 10, errorCode < Int64.max / 16 else { break }
        errorCode = 10 * errorCode + Int64(digit)
      }
      if isNegative { errorCode = -errorCode }
    case .resultType: return .needsWholeMessage
    case .none: break
    }
    return nil
  }

  // MARK: What a key does to its value

  func rootValue(_ level: StreamLevel) -> StreamValue {
    StreamValue(isText: level.number > 0, region: level.number > 0 ? .data : .envelope)
  }

  func elementValue(_ level: StreamLevel) -> StreamValue {
    let frame = level.frames[level.frames.count - 1]
    if let treatment = frame.treatment {
      return StreamValue(treatment: treatment, region: .data, isInherited: true)
    }
    return StreamValue(isText: true, region: frame.region.element)
  }

  /// What the active rules do with the value of a key: as `Masker.treatment` has it.
  private func treatment(
    of name: RawSpan, _ level: StreamLevel, _ masker: borrowing Masker
  ) -> MaskTreatment? {
    let tables = unsafe program.tables
    let hash = JSONWatch.hash(of: name)
    var slot = Int(hash)
    while let number = unsafe tables.entry(hash: hash, slot: &slot) {
      let entry = unsafe tables.entries[number]
      guard isName(name, entry.name) else { continue }
      switch masker.verdict(number) {
      case .keep: return nil
      case .redact: return .redact
      case .partial: return .partial
      case .path: return treatmentByPath(entry, level)
      }
    }
    return nil
  }

  private func treatmentByPath(_ entry: MaskEntry, _ level: StreamLevel) -> MaskTreatment? {
    var treatment: MaskTreatment?
    let row = level.frames.count * paths.count
    for field in Int(entry.firstField)..<Int(entry.firstField + entry.fieldCount) {
      let compiled = unsafe program.tables.fields[field]
      guard active.contains(Int(compiled.rule)), treatment != .redact else { continue }
      var isReached = compiled.pathCount == 0
      if !isReached, let number = paths.firstIndex(of: field) {
        isReached = level.reach[row + number] >> UInt32(compiled.pathCount) & 1 != 0
      }
      if isReached { treatment = compiled.treatment }
    }
    return treatment
  }

  private func isName(_ key: RawSpan, _ name: MaskName) -> Bool {
    guard key.byteCount == Int(name.count) else { return false }
    for offset in 0..<key.byteCount
    where unsafe asciiLowercased(key.at(offset))
      != program.tables.text[
        Int(name.offset) + offset]
    {
      return false
    }
    return true
  }

  // MARK: Paths

  /// A document begins: in the string that is the value of `outer`, or nowhere.
  func resetReach(_ level: StreamLevel, from outer: StreamLevel?) {
    level.reach.removeAll(keepingCapacity: true)
    guard !paths.isEmpty else { return }
    if let outer {
      let row = (outer.frames.count + 1) * paths.count
      level.reach.append(contentsOf: outer.reach[row..<row + paths.count])
    } else {
      level.reach.append(contentsOf: repeatElement(0, count: paths.count))
    }
  }

  /// Works out which beginnings of paths (bit n: the first n names) lead to the value that begins. See `Masker.leads`.
  func noteReach(_ level: StreamLevel) {
    guard !paths.isEmpty else { return }
    let outer = level.frames.count * paths.count
    let row = outer + paths.count
    if level.reach.count < row + paths.count {
      level.reach.append(contentsOf: repeatElement(0, count: row + paths.count - level.reach.count))
    }
    let isMember = level.frames.last?.isObject ?? false
    for (number, field) in paths.enumerated() {
      guard isMember else {
        level.reach[row + number] = level.reach[outer + number]
        continue
      }
      let compiled = unsafe program.tables.fields[field]
      let around = level.reach[outer + number]
      var reached: UInt32 = 0
      for left in 1...UInt32(compiled.pathCount)
      where left == 1 || around >> (left - 1) & 1 != 0 {
        let name = unsafe program.tables.names[
          Int(compiled.firstName) + Int(compiled.pathCount) - Int(left)]
        if isName(level.name.bytes, name) { reached |= 1 << left }
      }
      level.reach[row + number] = reached
    }
  }

  // MARK: Duplicates

  /// Whether the keys of the object that closes, the level's last, are not all different.
  func hasDuplicate(_ level: StreamLevel, from first: Int) -> Bool {
    let count = level.keys.count - first
    if count <= 16 {
      for later in first..<level.keys.count {
        for earlier in first..<later where level.keys[earlier] == level.keys[later] { return true }
      }
      return false
    }
    level.keys[first...].sort()
    for place in first + 1..<level.keys.count where level.keys[place - 1] == level.keys[place] {
      return true
    }
    return false
  }
}
