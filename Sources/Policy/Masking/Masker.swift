public import Wire

/// Masks messages: one per worker, with the memory for JSON that is nested in strings.
///
/// The masked message is the message's own bytes with some values replaced. Only values that hits of the index point at
/// are looked at, so a message without watched names costs nothing beyond reading it.
///
/// Worked example, field `ssn` redacted:
///
///     {"result":{"structuredContent":{"ssn":"123-45-6789"},"content":[{"type":"text","text":"{\"ssn\":1}"}]}}
///      copied up to the first value ─────────┘ replaced   copied up to the string ────────┘ nested: unescaped, read,
///                                                          masked at level 1 to {"ssn":0}, escaped again
@safe
public struct Masker: ~Copyable {
  /// JSON in a string in a string in a string is still masked; what is nested deeper is withheld.
  public static let nestingMax = 3

  /// One per level of nesting, the message being level 0, and one for what is too deep. Indexes apart from the rest,
  /// because a document's index is read while the rest changes.
  let levels: UnsafeMutablePointer<MaskLevel>
  let indexes: UnsafeMutablePointer<JSONIndex>
  static var levelCount: Int { nestingMax + 2 }
  var search: MaskedNameSearch
  var verdicts: MaskVerdicts

  public init() {
    unsafe levels = .allocate(capacity: Self.levelCount)
    unsafe indexes = .allocate(capacity: Self.levelCount)
    for level in 0..<Self.levelCount {
      unsafe (levels + level).initialize(to: MaskLevel())
      unsafe (indexes + level).initialize(to: JSONIndex(limits: JSONLimits(root: .anyValue)))
    }
    search = MaskedNameSearch()
    verdicts = MaskVerdicts()
  }

  deinit {
    unsafe levels.deinitialize(count: Self.levelCount)
    unsafe levels.deallocate()
    unsafe indexes.deinitialize(count: Self.levelCount)
    unsafe indexes.deallocate()
  }

  /// How many bytes a writer must have room for so that no message of `bytes` bytes and this index is refused
  /// as `outputTooLarge`.
  public static func room(bytes: Int, index: borrowing JSONIndex) -> Int {
    // A replaced leaf takes two tokens (it and what follows) and writes at most 12 bytes; a withheld text, which is a
    // hit, writes less than 80.
    bytes + 6 * index.tokenCount + 80 * index.hitCount + 64
  }

  /// Masks one JSON-RPC message from a server.
  ///
  /// - Parameters:
  ///   - bytes: the message.
  ///   - index: the index that has read exactly `bytes`, watching `program.watch`.
  ///   - active: the rules to apply.
  ///   - writer: where the masked message goes; see `room(bytes:index:)`. Untouched messages write nothing.
  public mutating func mask(
    _ bytes: RawSpan, index: borrowing JSONIndex, program: borrowing MaskProgram,
    active: MaskRuleSet, into writer: inout ByteWriter
  ) -> MaskOutcome {
    guard index.hitCount > 0, program.rules.intersects(active) else { return .untouched }
    let tables = unsafe program.tables
    let watch = program.watch
    unsafe verdicts.prepare(tables, active)
    if unsafe tables.hasPaths { unsafe levels[0].forgetReached(tables.fields.count) }
    var values = 0
    unsafe writer.appendUnsafely { place, room in
      var output = unsafe MaskWriter(into: place, capacity: room)
      unsafe values = mask(
        bytes, index, level: 0, tables: tables, watch: watch, active: active, into: &output)
      return unsafe output.overflowed ? nil : output.count
    }
    if writer.overflowed { return .failed(.outputTooLarge) }
    return values == 0 ? .untouched : .masked(values: values)
  }

  /// Masks the document of a level, all of which is data behind the first level, and where `isData` says so; returns how many
  /// values were replaced, and writes nothing when none was.
  mutating func mask(
    _ bytes: RawSpan, _ index: borrowing JSONIndex, level: Int, isData: Bool = false,
    tables: MaskTables, watch: borrowing JSONWatch, active: MaskRuleSet,
    into writer: inout MaskWriter
  ) -> Int {
    // The span outlives this call, and so does its memory.
    let source = unsafe bytes.withUnsafeBytes { $0.baseAddress! }
    let size = bytes.byteCount
    let hitCount = index.hitCount
    var copied = 0
    var values = 0
    // Hits inside a value that was replaced do not count any more.
    var replacedUpTo: UInt32 = 0
    // The tokens of the last data region found: hits come in runs from the same one. Nested documents are data.
    var dataFrom: UInt32 = level > 0 || isData ? 0 : 1
    var dataTo: UInt32 = level > 0 || isData ? .max : 0
    if level == 0 { unsafe levels[level].forgetRegions() }
    var next = 0
    while next < hitCount {
      let hit = index.hit(next)
      next &+= 1
      guard hit.token.index >= replacedUpTo else { continue }
      if hit.container.index < dataFrom || hit.container.index > dataTo {
        (dataFrom, dataTo) = dataRegion(around: hit.container, bytes, index)
      }
      let isInData = hit.container.index >= dataFrom
      if hit.kind == .key {
        let found = unsafe treatment(
          of: hit, source, bytes, index, level: level, tables: tables, active: active)
        if !isInData, found == nil || !isField(hit, bytes, index) {
          let written = unsafe writer.count
          let inside = unsafe maskSkeleton(
            hit, source, copied, bytes, index, tables: tables, watch: watch, active: active,
            into: &writer)
          if inside == 0 {
            unsafe writer.rewind(to: written)
          } else {
            let value = index.value(ofKey: hit.token)
            values &+= inside
            copied = index.range(of: value).range.upperBound
            replacedUpTo = index.tokenAfter(value).index
          }
          continue
        }
        guard let treatment = found else { continue }
        let value = index.value(ofKey: hit.token)
        // As if it were a string, which is the common case.
        let contents = index.contents(of: value)
        let start = Int(contents.offset) &- 1
        if treatment == .redact,
          unsafe source.load(fromByteOffset: start, as: UInt8.self) == UInt8(ascii: "\"")
        {
          unsafe writer.copy(source, copied, start, size: size)
          unsafe writer.appendRedacted()
          copied = Int(contents.end) &+ 1
          values &+= 1
          // The string itself may be a hit too.
          replacedUpTo = value.index &+ 1
          if isInData {
            // Where one was, more like it follow.
            let redacted = unsafe redact(
              index, from: next, in: dataFrom...dataTo, source, copied, size: size, tables: tables,
              into: &writer)
            if redacted > 0 {
              next &+= redacted
              values &+= redacted
              let last = index.value(ofKey: index.hit(next &- 1).token)
              copied = index.range(of: last).range.upperBound
              replacedUpTo = last.index &+ 1
            }
          }
          continue
        }
        let range = index.range(of: value).range
        unsafe writer.copy(source, copied, range.lowerBound, size: size)
        copied = range.upperBound
        unsafe values &+= replace(value, source, bytes, index, treatment, into: &writer)
        replacedUpTo = index.tokenAfter(value).index
      } else {
        guard isInData || isText(hit, bytes, index) else { continue }
        let range = index.contents(of: hit.token).range
        let written = unsafe writer.count
        unsafe writer.copy(source, copied, range.lowerBound, size: size)
        let inside = unsafe maskText(
          hit, bytes, index, level: level, tables: tables, watch: watch, active: active,
          into: &writer)
        if inside == 0 {
          unsafe writer.rewind(to: written)
        } else {
          values += inside
          copied = range.upperBound
        }
      }
      if unsafe writer.overflowed { return values }
    }
    if values > 0 { unsafe writer.copySlowly(source + copied, size - copied) }
    return values
  }

  /// The value of a key of the skeleton that is no field, where it holds data all the same: Base64, a URL, or the schema of
  /// a masked field. Writes everything from `copied` to the value's end and returns how many values were replaced; 0 when it
  /// can stay.
  @inline(never)
  private mutating func maskSkeleton(
    _ hit: JSONHit, _ source: UnsafeRawPointer, _ copied: Int, _ bytes: RawSpan,
    _ index: borrowing JSONIndex, tables: MaskTables, watch: borrowing JSONWatch,
    active: MaskRuleSet, into writer: inout MaskWriter
  ) -> Int {
    let region = region(of: hit.container, bytes, index)
    let value = index.value(ofKey: hit.token)
    let range = index.range(of: value).range
    if region == .schemas {
      guard unsafe namesField(hit.token, bytes, index, tables: tables, active: active) else {
        return 0
      }
      unsafe writer.copy(source, copied, range.lowerBound, size: bytes.byteCount)
      unsafe relax(value, bytes, index, into: &writer)
      return 1
    }
    let role = region.role(hit.token, in: bytes, index)
    guard index.kind(of: value, in: bytes) == .string else { return 0 }
    let values: Int
    switch role {
    case .encoded:
      unsafe writer.copy(source, copied, range.lowerBound + 1, size: bytes.byteCount)
      values = unsafe maskEncoded(
        bytes.extracting(index.contents(of: value).range), tables: tables, watch: watch,
        active: active, into: &writer)
    case .address:
      unsafe writer.copy(source, copied, range.lowerBound + 1, size: bytes.byteCount)
      values = unsafe maskAddress(
        value, bytes, index, tables: tables, active: active, into: &writer)
    case .plain, .content, .part, .data: return 0
    }
    unsafe writer.append("\"")
    return values
  }

  // MARK: Where a hit is

  /// The region of a container of the message itself.
  private mutating func region(
    of container: JSONToken, _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> MaskRegion {
    if let known = unsafe levels[0].region(of: container) { return known }
    let region: MaskRegion
    if let parent = index.parent(ofContainer: container) {
      let outer = self.region(of: parent, bytes, index)
      if outer == .data {
        region = .data
      } else if let key = index.key(ofValue: container, in: bytes) {
        if case .part(let part) = outer.role(key, in: bytes, index) {
          region = part
        } else {
          region = .data
        }
      } else {
        region = outer.element
      }
    } else {
      region = .envelope
    }
    unsafe levels[0].remember(region, of: container)
    return region
  }

  /// The outermost data container around `container` of the message, as its first and last token. When the container
  /// is skeleton, a range that has no token in it.
  @inline(never)
  private mutating func dataRegion(
    around container: JSONToken, _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> (UInt32, UInt32) {
    guard region(of: container, bytes, index) == .data else {
      return (.max, 0)
    }
    var outermost = container
    while let parent = index.parent(ofContainer: outermost),
      region(of: parent, bytes, index) == .data
    {
      outermost = parent
    }
    return (outermost.index, index.tokenAfter(outermost).index &- 1)
  }

  /// Whether a string value outside data regions is data: where the skeleton has room for it.
  @inline(never)
  private mutating func isText(
    _ hit: JSONHit, _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Bool {
    guard let key = index.key(ofValue: hit.token, in: bytes) else { return true }
    switch region(of: hit.container, bytes, index).role(key, in: bytes, index) {
    case .plain, .encoded: return false
    case .content, .part, .data, .address: return true
    }
  }

  /// Whether a key outside data regions is not a word of the protocol, and so data.
  @inline(never)
  private mutating func isField(
    _ hit: JSONHit, _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Bool {
    if case .data = region(of: hit.container, bytes, index).role(hit.token, in: bytes, index) {
      return true
    }
    return false
  }

  // MARK: Whether a key is masked

  /// What the active rules do with the value of a key that the index reported, or nil.
  @inline(__always)
  private mutating func treatment(
    of hit: JSONHit, _ source: UnsafeRawPointer, _ bytes: RawSpan, _ index: borrowing JSONIndex,
    level: Int, tables: MaskTables, active: MaskRuleSet
  ) -> MaskTreatment? {
    let hash = index.keyHash(hit.token)
    var slot = Int(hash)
    while let number = unsafe tables.entry(hash: hash, slot: &slot) {
      let entry = unsafe tables.entries.baseAddress! + number
      let contents = index.contents(of: hit.token)
      let isSpelled =
        unsafe Int(contents.offset) &+ MaskEntry.spellingMax <= bytes.byteCount
        && entry.pointee.isSpelled(source + Int(contents.offset), contents.count)
      if !isSpelled,
        unsafe !isName(hit.token, entry.pointee.name, bytes, index, level: level, tables: tables)
      {
        continue
      }
      switch verdicts[number] {
      case .keep: return nil
      case .redact: return .redact
      case .partial: return .partial
      case .path:
        return unsafe treatmentByPath(
          hit, entry.pointee, bytes, index, level: level, tables: tables, active: active)
      }
    }
    return nil
  }

  /// The strictest treatment by a field of this name whose path leads to the key.
  @inline(never)
  private mutating func treatmentByPath(
    _ hit: JSONHit, _ entry: MaskEntry, _ bytes: RawSpan, _ index: borrowing JSONIndex, level: Int,
    tables: MaskTables, active: MaskRuleSet
  ) -> MaskTreatment? {
    var treatment: MaskTreatment?
    for field in Int(entry.firstField)..<Int(entry.firstField &+ entry.fieldCount) {
      let compiled = unsafe tables.fields[field]
      guard active.contains(Int(compiled.rule)), treatment != .redact else { continue }
      let isReached =
        compiled.pathCount == 0
        ? true
        : unsafe leads(
          to: hit.container, in: nil, field, left: Int(compiled.pathCount), bytes, index,
          level: level, tables: tables)
      if isReached { treatment = compiled.treatment }
    }
    return treatment
  }

  @inline(never)
  mutating func isName(
    _ key: JSONToken, _ name: MaskName, _ bytes: RawSpan, _ index: borrowing JSONIndex, level: Int,
    tables: MaskTables
  ) -> Bool {
    let start = Int(name.offset)
    let wanted = unsafe UnsafeBufferPointer(
      rebasing: tables.text[start..<start + Int(name.count)])
    let contents = index.contents(of: key).range
    if contents.count == wanted.count {
      for offset in 0..<contents.count {
        let byte = unsafe bytes.unsafeLoad(
          fromByteOffset: contents.lowerBound &+ offset, as: UInt8.self)
        guard unsafe asciiLowercased(byte) == wanted[offset] else { return false }
      }
      return true
    }
    guard contents.count > wanted.count else { return false }
    return unsafe levels[level].isName(bytes.extracting(contents), wanted)
  }
}
