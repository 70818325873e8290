import CScan

/// The structure of one JSON document: where every key and value starts and ends, without copying or decoding any.
///
/// Reading is strict: a document has one reading or none (see `JSONViolationReason`). Stage one (CScan) finds token
/// starts with SIMD; stage two (`JSONIndex+Walk`) proves the grammar and fills in one link per token. The storage is
/// reused and grows to the largest document seen, bounded by the limits.
///
/// Worked example; the tables for `{"a":[1,"b"]}`:
///
///     token      0   1   2   3   4   5   6   7   8
///     byte       {   "   :   [   1   ,   "   ]   }
///     position   0   1   4   5   6   7   8  11  12
///     link      →8  3  hash →7   7   -  10  ↑0  ↑-        closing token, last byte, hash of the key, parent
@safe
public struct JSONIndex: ~Copyable {
  public let limits: JSONLimits
  /// Which CScan kernel reads the bytes.
  let kernel: Int32
  let seed: JSONHash.Seed

  // Tables, owned: offsets and links of tokens, with the same capacity; marks per block; hits; open containers.
  var positions: UnsafeMutablePointer<UInt32>
  var links: UnsafeMutablePointer<UInt32>
  var tokenCapacity: Int
  var marks: UnsafeMutablePointer<UInt64>
  var markCapacity: Int
  var hits: UnsafeMutablePointer<JSONHit>
  var hitCapacity: Int
  let frames: UnsafeMutablePointer<JSONFrame>
  /// The watch's filter, 16 words; then two words for each size of short keys, 0…16, that fold their letters and
  /// blank out what follows them.
  let tables: UnsafeMutablePointer<UInt64>
  /// Keys met lately, by the place of their object: see `JSONShape`.
  let shapes: UnsafeMutablePointer<JSONShape>
  let shapeEntries: UnsafeMutablePointer<JSONShapeEntry>
  var scratch: JSONScratch
  var table: JSONKeyTable
  private let inPlace = StaysInPlace()

  // Where reading stands.
  var scan: sluice_scan_state
  var count = 0
  /// Number of hits recorded for the document.
  public internal(set) var hitCount = 0
  var next = 0
  var depth = 0
  var expect = JSONExpectation.root
  /// Deepest nesting of this document.
  var depthMax: Int
  var markCursor = 0
  var watching = false
  private var watchSignature: UInt64 = 0
  var failure: JSONViolation?

  /// Offsets and the tag share 32 bits.
  static var containerTag: UInt32 { 1 << 31 }
  static var noParent: UInt32 { .max >> 1 }
  /// Stage one and stage two take turns, so that what one wrote is still in the first-level cache for the other.
  static var stride: Int { 8192 }

  public init(limits: JSONLimits = JSONLimits()) {
    self.init(limits: limits, kernel: sluice_scan_best_kernel())
  }

  /// For tests: reads with this kernel, which the processor must be able to run.
  package init(limits: JSONLimits, kernel: Int32) {
    precondition(sluice_scan_kernel_runs(kernel) != 0)
    self.limits = limits
    depthMax = limits.depthMax
    self.kernel = kernel
    seed = JSONHash.seed
    tokenCapacity = Self.stride + 2 * Int(sluice_scan_slack)
    unsafe positions = .allocate(capacity: tokenCapacity)
    unsafe links = .allocate(capacity: tokenCapacity)
    markCapacity = 2 * Self.stride / Int(sluice_scan_block)
    unsafe marks = .allocate(capacity: markCapacity)
    hitCapacity = 64
    unsafe hits = .allocate(capacity: hitCapacity)
    unsafe frames = .allocate(capacity: limits.depthMax + 1)
    unsafe frames.initialize(repeating: JSONFrame(), count: limits.depthMax + 1)
    unsafe tables = .allocate(capacity: 16 + 2 * 17)
    unsafe tables.initialize(repeating: 0, count: 16 + 2 * 17)
    for size in 0...16 {
      for byte in 0..<size {
        unsafe tables[16 + 2 * size + byte / 8] |= 0xDF << UInt64(byte % 8 * 8)
      }
    }
    unsafe shapes = .allocate(capacity: JSONShape.slots)
    unsafe shapes.initialize(repeating: JSONShape(), count: JSONShape.slots)
    unsafe shapeEntries = .allocate(capacity: JSONShape.slots * JSONShape.keysMax)
    scratch = JSONScratch()
    table = JSONKeyTable()
    scan = sluice_scan_state()
    begin()
  }

  deinit {
    unsafe positions.deallocate()
    unsafe links.deallocate()
    unsafe marks.deallocate()
    unsafe hits.deallocate()
    unsafe frames.deallocate()
    unsafe tables.deallocate()
    unsafe shapes.deallocate()
    unsafe shapeEntries.deallocate()
  }

  // MARK: Reading

  /// Reads a whole document. Nil means that it is valid and that its cursors may be used.
  public mutating func read(_ bytes: RawSpan, watch: borrowing JSONWatch) -> JSONViolation? {
    begin()
    switch advance(bytes, isFinal: true, watch: watch) {
    case .violation(let violation): return violation
    case .complete: return nil
    case .more: preconditionFailure("a final document is complete or wrong")
    }
  }

  /// Forgets the last document and prepares for another that arrives in pieces.
  public mutating func begin() {
    unsafe sluice_scan_begin(&scan)
    count = 0
    hitCount = 0
    next = 0
    depth = 0
    expect = .root
    depthMax = limits.depthMax
    markCursor = 0
    failure = nil
  }

  /// Reads on. `bytes` is the document from its first byte as far as it has arrived: earlier bytes must be the same
  /// as in earlier calls, though they may have moved. The result does not depend on how the document was cut.
  public mutating func advance(
    _ bytes: RawSpan, isFinal: Bool, watch: borrowing JSONWatch
  ) -> JSONProgress {
    if let failure { return .violation(failure) }
    load(watch)
    let violation = unsafe bytes.withUnsafeBytes { buffer -> JSONViolation? in
      guard let base = buffer.baseAddress else {
        return isFinal ? JSONViolation(reason: .empty, offset: 0) : nil
      }
      return unsafe advance(
        base.assumingMemoryBound(to: UInt8.self), length: buffer.count, isFinal: isFinal)
    }
    if let violation {
      failure = violation
      return .violation(violation)
    }
    return isFinal ? .complete : .more
  }

  private mutating func load(_ watch: borrowing JSONWatch) {
    // An inactive filter lets nothing through: asking it needs no further condition.
    watching = watch.isActive
    if watch.signature == watchSignature { return }
    watchSignature = watch.signature
    for word in 0..<16 { unsafe tables[word] = watch.filter[word] }
    // What is remembered of keys includes whether they are watched.
    for slot in 0..<JSONShape.slots {
      unsafe shapes[slot].count = 0
      unsafe shapes[slot].version &+= 1
    }
  }

  private mutating func advance(
    _ base: UnsafePointer<UInt8>, length: Int, isFinal: Bool
  ) -> JSONViolation? {
    if length > limits.documentBytesMax {
      return JSONViolation(
        reason: .documentTooLarge, offset: UInt32(truncatingIfNeeded: limits.documentBytesMax))
    }
    precondition(length >= Int(scan.scanned), "a document never gets shorter")
    // The blocks that may be scanned: all at the end, else those with enough bytes behind them.
    let known = isFinal ? length : max(0, length - Int(sluice_scan_lookahead)) & ~63
    while true {
      let scanned = Int(scan.scanned)
      let limit = min(known, (scanned &+ Self.stride) & ~63)
      let isLast = isFinal && limit == length
      if limit <= scanned, !isLast { return nil }
      reserve(bytes: limit &- scanned, total: limit)
      count &+= unsafe sluice_scan(
        kernel, &scan, base, length, limit, isLast ? 1 : 0, positions + count, marks)
      if hitCapacity &- hitCount < count &- next { growHits() }
      if let violation = unsafe process(base, length: length) { return violation }
      if scan.error != 0 { return unsafe scanViolation(base, length: length) }
      if isLast { return unsafe finish(base, length: length) }
    }
  }

  /// Stage two, as far as the tokens known so far allow: usual steps in a run, others one by one.
  private mutating func process(
    _ base: UnsafePointer<UInt8>, length: Int
  ) -> JSONViolation? {
    while true {
      unsafe run(base, length: length)
      let before = next
      let expected = expect
      if let violation = unsafe walk(base, length: length) { return violation }
      if next == before, expect == expected { return nil }
    }
  }

  private func scanViolation(_ base: UnsafePointer<UInt8>, length: Int) -> JSONViolation {
    let reason: JSONViolationReason =
      switch Int(scan.error) {
      case Int(sluice_scan_error_utf8): .invalidUTF8
      case Int(sluice_scan_error_control): .controlCharacter
      case Int(sluice_scan_error_escape): .invalidEscape
      case Int(sluice_scan_error_unicode): .invalidUnicodeEscape
      case Int(sluice_scan_error_surrogate): .loneSurrogate
      default: .unexpectedEnd
      }
    return JSONViolation(reason: reason, offset: scan.error_offset)
  }

  // MARK: Storage

  /// Makes room for the tokens that `bytes` more bytes can hold, and for the marks of `total`.
  private mutating func reserve(bytes: Int, total: Int) {
    if count &+ bytes &+ Int(sluice_scan_slack) &+ 8 > tokenCapacity {
      let capacity = max(2 * tokenCapacity, count + bytes + 2 * Int(sluice_scan_slack))
      unsafe positions = Self.regrown(positions, used: count, capacity: capacity)
      unsafe links = Self.regrown(links, used: count, capacity: capacity)
      tokenCapacity = capacity
    }
    let blocks = total / Int(sluice_scan_block) &+ 1
    if blocks > markCapacity {
      let used = markCapacity
      markCapacity = max(2 * markCapacity, blocks)
      unsafe marks = Self.regrown(marks, used: used, capacity: markCapacity)
    }
  }

  /// Every token waiting for stage two may become a hit.
  @inline(never)
  private mutating func growHits() {
    let capacity = max(2 * hitCapacity, hitCount + count - next)
    unsafe hits = Self.regrown(hits, used: hitCount, capacity: capacity)
    hitCapacity = capacity
  }

  private static func regrown<Element: BitwiseCopyable>(
    _ old: UnsafeMutablePointer<Element>, used: Int, capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    let new = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    unsafe UnsafeMutableRawPointer(new).copyMemory(
      from: old, byteCount: used * MemoryLayout<Element>.stride)
    unsafe old.deallocate()
    return unsafe new
  }
}

/// What the next token must be.
enum JSONExpectation: UInt8 {
  case root, memberOrClose, member, elementOrClose, element, commaOrClose, nothing
}
