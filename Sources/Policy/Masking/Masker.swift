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

  public init() {
    unsafe levels = .allocate(capacity: Self.levelCount)
    unsafe indexes = .allocate(capacity: Self.levelCount)
    for level in 0..<Self.levelCount {
      unsafe (levels + level).initialize(to: MaskLevel())
      unsafe (indexes + level).initialize(to: JSONIndex(limits: JSONLimits(root: .anyValue)))
    }
    search = MaskedNameSearch()
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
    let values = unsafe mask(
      bytes, index, level: 0, tables: tables, watch: program.watch, active: active, into: &writer)
    if writer.overflowed { return .failed(.outputTooLarge) }
    return values == 0 ? .untouched : .masked(values: values)
  }

  /// Masks the document of a level; returns how many values were replaced, and writes nothing when none was.
  mutating func mask(
    _ bytes: RawSpan, _ index: borrowing JSONIndex, level: Int, tables: MaskTables,
    watch: JSONWatch, active: MaskRuleSet, into writer: inout ByteWriter
  ) -> Int {
    var copied = 0
    var values = 0
    // Hits inside a value that was replaced do not count any more.
    var replacedUpTo: UInt32 = 0
    unsafe levels[level].forgetRegions()
    for number in 0..<index.hitCount {
      let hit = index.hit(number)
      guard hit.token.index >= replacedUpTo else { continue }
      switch hit.kind {
      case .key:
        guard
          let treatment = unsafe treatment(
            of: hit, bytes, index, level: level, tables: tables, active: active)
        else { continue }
        let value = index.value(ofKey: hit.token)
        let range = index.range(of: value).range
        writer.append(bytes.extracting(copied..<range.lowerBound))
        values += replace(value, bytes, index, treatment, into: &writer)
        copied = range.upperBound
        replacedUpTo = index.tokenAfter(value).index
      case .text:
        guard isData(textAt: hit, bytes, index, level: level) else { continue }
        let range = index.contents(of: hit.token).range
        let written = writer.count
        writer.append(bytes.extracting(copied..<range.lowerBound))
        let inside = unsafe maskText(
          hit, bytes, index, level: level, tables: tables, watch: watch, active: active,
          into: &writer)
        if inside == 0 {
          writer.rewind(to: written)
        } else {
          values += inside
          copied = range.upperBound
        }
      }
      if writer.overflowed { return values }
    }
    if values > 0 { writer.append(bytes.extracting(copied..<bytes.byteCount)) }
    return values
  }

  // MARK: Where a hit is

  /// The region of a container. Containers of nested documents are data.
  private mutating func region(
    of container: JSONToken, _ bytes: RawSpan, _ index: borrowing JSONIndex, level: Int
  ) -> MaskRegion {
    if level > 0 { return .data }
    if let known = unsafe levels[level].region(of: container) { return known }
    let region: MaskRegion
    if let parent = index.parent(ofContainer: container) {
      let outer = self.region(of: parent, bytes, index, level: level)
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
    unsafe levels[level].remember(region, of: container)
    return region
  }

  /// Whether a string value is in data: in a data region, or where the protocol's skeleton has room for data.
  private mutating func isData(
    textAt hit: JSONHit, _ bytes: RawSpan, _ index: borrowing JSONIndex, level: Int
  ) -> Bool {
    if level > 0 { return true }
    let region = region(of: hit.container, bytes, index, level: level)
    guard region != .data, let key = index.key(ofValue: hit.token, in: bytes) else { return true }
    if case .plain = region.role(key, in: bytes, index) { return false }
    return true
  }

  // MARK: Whether a key is masked

  /// What the active rules do with the value of a key that the index reported, or nil.
  private mutating func treatment(
    of hit: JSONHit, _ bytes: RawSpan, _ index: borrowing JSONIndex, level: Int, tables: MaskTables,
    active: MaskRuleSet
  ) -> MaskTreatment? {
    let hash = index.keyHash(hit.token)
    var slot = Int(hash)
    while let number = unsafe tables.entry(hash: hash, slot: &slot) {
      let entry = unsafe tables.entries[number]
      guard unsafe isName(hit.token, entry.name, bytes, index, level: level, tables: tables) else {
        continue
      }
      var treatment: MaskTreatment?
      for field in Int(entry.firstField)..<Int(entry.firstField + entry.fieldCount) {
        let compiled = unsafe tables.fields[field]
        guard active.contains(Int(compiled.rule)), treatment != .redact else { continue }
        let isReached =
          compiled.pathCount == 0
          ? true
          : unsafe leads(
            to: hit.container, in: nil, field, left: Int(compiled.pathCount), bytes, index,
            level: level, tables: tables)
        if isReached {
          treatment = compiled.treatment
        }
      }
      guard treatment != nil else { return nil }
      let region = region(of: hit.container, bytes, index, level: level)
      if region == .data { return treatment }
      if case .data = region.role(hit.token, in: bytes, index) { return treatment }
      return nil
    }
    return nil
  }

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
