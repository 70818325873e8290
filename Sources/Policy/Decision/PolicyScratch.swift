import Wire

/// One worker's working memory for decisions with one program: made when the worker takes the program into use, and
/// never grown after that.
///
///     | name | folded | key | folded key |  states, one per path  |  regex words  |  values, unescaped  |
///
/// The states and the values belong to the decision whose number (`epoch`) they carry, so that a new one starts by
/// counting up instead of clearing.
@safe
public struct PolicyScratch: ~Copyable {
  let program: PolicyProgram
  let hits: HitBlock
  let regexScratch: RegexScratch

  private let memory: UnsafeMutableRawPointer
  private let layout: Layout
  private let states: UnsafeMutablePointer<ArgumentState>
  let regexWords: UnsafeMutablePointer<UInt64>
  private var epoch: UInt32 = 0
  /// Bytes of the values region that this decision has filled.
  private var valueBytes = 0

  /// Where things are in the one allocation.
  private struct Layout: BitwiseCopyable {
    static let keyBytes = 4096
    var nameBytes: Int
    var valuesOffset: Int
    var valueBytesMax: Int
    var byteCount: Int
  }

  /// Makes working memory for `program`, which it keeps alive.
  public init(for program: PolicyProgram) {
    self.program = program
    hits = program.hitCounters.lease()
    var regexScratch = RegexScratch()
    let sets = program.tables.regexSets
    for number in 0..<sets.count { regexScratch.prepare(for: sets[number]) }
    self.regexScratch = regexScratch

    let limits = program.limits
    let pathCount = program.tables.paths.count
    let stateBytes = pathCount * MemoryLayout<ArgumentState>.stride
    let wordBytes = program.regexWordCount * MemoryLayout<UInt64>.stride
    let valuesOffset = stateBytes + wordBytes
    let nameBytes = max(limits.toolNameBytesMax, limits.resourceURIBytesMax)
    let byteCount =
      valuesOffset + limits.valueBytesMax + 2 * nameBytes + 2 * Layout.keyBytes
    layout = Layout(
      nameBytes: nameBytes, valuesOffset: valuesOffset, valueBytesMax: limits.valueBytesMax,
      byteCount: byteCount)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    unsafe self.memory = unsafe memory
    unsafe states = unsafe memory.bindMemory(to: ArgumentState.self, capacity: max(pathCount, 1))
    unsafe regexWords = unsafe (memory + stateBytes).bindMemory(
      to: UInt64.self, capacity: max(program.regexWordCount, 1))
  }

  deinit {
    program.hitCounters.takeBack(hits)
    unsafe memory.deallocate()
  }
}

extension PolicyScratch {
  /// Starts a decision: nothing of an earlier one is known any more.
  mutating func begin() {
    epoch &+= 1
    valueBytes = 0
    guard epoch == 0 else { return }
    // Once in four billion decisions the numbers begin again, and old states must not look new.
    for path in 0..<program.tables.paths.count { unsafe states[path].epoch = 0 }
    epoch = 1
  }

  /// What is known of the argument at `path` in this decision, or nil.
  @inline(__always)
  func knownState(_ path: Int) -> ArgumentState? {
    let state = unsafe states[path]
    return state.epoch == epoch ? state : nil
  }

  mutating func remember(_ state: ArgumentState, _ path: Int) {
    var state = state
    state.epoch = epoch
    unsafe states[path] = state
  }

  // MARK: Buffers

  private var buffersOffset: Int { layout.valuesOffset &+ layout.valueBytesMax }

  /// A buffer for an unescaped name or URI.
  func nameBuffer() -> ByteWriter {
    unsafe ByteWriter(unsafeInto: memory + buffersOffset, capacity: layout.nameBytes)
  }

  /// A buffer for the same name, folded.
  func foldedNameBuffer() -> ByteWriter {
    unsafe ByteWriter(
      unsafeInto: memory + (buffersOffset &+ layout.nameBytes), capacity: layout.nameBytes)
  }

  /// The folded name that `find` left in its buffer.
  @_lifetime(borrow self)
  func foldedName(_ count: Int) -> RawSpan {
    precondition(count <= layout.nameBytes)
    let span = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(memory + (buffersOffset &+ layout.nameBytes)), byteCount: count
    )
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// A buffer for an unescaped key.
  func keyBuffer() -> ByteWriter {
    unsafe ByteWriter(
      unsafeInto: memory + (buffersOffset &+ 2 &* layout.nameBytes), capacity: Layout.keyBytes)
  }

  /// A buffer for a folded key.
  func foldedKeyBuffer() -> ByteWriter {
    unsafe ByteWriter(
      unsafeInto: memory + (buffersOffset &+ 2 &* layout.nameBytes &+ Layout.keyBytes),
      capacity: Layout.keyBytes)
  }

  /// Unescapes a string into what is left of the values region; nil when it does not fit.
  mutating func unescape(
    _ string: JSONToken, _ index: borrowing JSONIndex, _ bytes: RawSpan
  ) -> ByteRange? {
    var writer = unsafe ByteWriter(
      unsafeInto: memory + (layout.valuesOffset &+ valueBytes),
      capacity: layout.valueBytesMax &- valueBytes)
    index.decode(string, in: bytes, into: &writer)
    guard !writer.overflowed else { return nil }
    let range = ByteRange(valueBytes..<valueBytes &+ writer.count)
    valueBytes &+= writer.count
    return range
  }

  /// Unescaped text that this decision has put into the values region.
  @_lifetime(borrow self)
  func unescaped(_ range: ByteRange) -> RawSpan {
    precondition(Int(range.end) <= layout.valueBytesMax)
    let span = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(memory + (layout.valuesOffset &+ Int(range.offset))),
      byteCount: Int(range.count))
    return unsafe _overrideLifetime(span, borrowing: self)
  }
}
