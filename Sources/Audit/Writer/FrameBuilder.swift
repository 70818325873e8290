internal import CLinux
internal import Glibc

/// Builds one frame over memory that stays where it is: header, stretches of the rings, the writer's own notices, hash.
@safe
struct FrameBuilder: ~Copyable {
  /// Bytes of the whole frame, and its entries. Sealing may add a filler to what was gathered.
  var bytes = 0
  var entries = 0
  var hash = AuditHash.zero
  var gatheredBytes = 0
  var gatheredEntries = 0

  private let rings: [RingBlock]
  private let batchBytesMax: Int
  /// Parts in file order: the header, ring stretches and notices, the hash. Fixed size, reused by every frame.
  let parts: UnsafeMutableBufferPointer<iovec>
  let remaining: UnsafeMutableBufferPointer<iovec>
  var partCount = 1
  var sealedParts = 0
  /// Header (64), hash (32), the notices, and a filler.
  let memory: UnsafeMutableRawBufferPointer
  private var noticeBytes = 0
  private var noticeCount = 0
  /// A whole frame in one piece of aligned memory, for writes past the page cache. Made when first needed.
  var staging: UnsafeMutableRawPointer?
  var isStaged = false
  /// Per ring: where the next frame goes on.
  private var ends: [UInt64]
  /// Ring to begin with, so that a busy one cannot starve the others.
  private var firstRing = 0
  var digest = FrameDigest()
  /// Marks the frames of this process: the low bits of when it began, never 0.
  let process = UInt32(truncatingIfNeeded: linux_audit_wall_nanoseconds() / 1_000_000) | 1

  private static let noticesOffset = 96
  private static let noticesBytesMax = 4096
  static let fillerOffset = noticesOffset + noticesBytesMax
  /// A disk block. A filler has 16 bytes at least, so it may be as long as a block and 15.
  static let blockBytes = 4096
  /// The kernel takes 1024 parts (IOV_MAX) in one call.
  private static let partsMax = 1024

  init(rings: [RingBlock], batchBytesMax: Int) {
    self.rings = rings
    self.batchBytesMax = batchBytesMax
    ends = rings.map { _ in 0 }
    unsafe parts = .allocate(capacity: Self.partsMax)
    unsafe remaining = .allocate(capacity: Self.partsMax)
    unsafe memory = .allocate(
      byteCount: Self.fillerOffset + 2 * Self.blockBytes, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
    unsafe parts.initialize(repeating: iovec())
    unsafe remaining.initialize(repeating: iovec())
  }

  deinit {
    unsafe parts.deallocate()
    unsafe remaining.deallocate()
    unsafe memory.deallocate()
    unsafe staging?.deallocate()
  }

  // MARK: Gathering

  /// Collects whole entries from every ring's position in `starts` on, about a batch of them. False: there is nothing.
  mutating func gather(from starts: [UInt64]) -> Bool {
    partCount = 1
    entries = noticeCount
    var data = noticeBytes
    if noticeBytes > 0 {
      unsafe add(part: memory.baseAddress! + Self.noticesOffset, noticeBytes)
    }
    for step in rings.indices {
      let index = (firstRing + step) % rings.count
      ends[index] = starts[index]
      if data >= batchBytesMax || partCount + 4 >= Self.partsMax { continue }
      gather(ring: index, &data)
    }
    firstRing = (firstRing + 1) % rings.count
    bytes = SegmentFormat.frameHeaderBytes + data + SegmentFormat.hashBytes
    gatheredBytes = bytes
    gatheredEntries = entries
    return entries > 0
  }

  private mutating func gather(ring index: Int, _ data: inout Int) {
    let ring = rings[index]
    let head = ring.head.loadAcquiring()
    var position = ends[index]
    var place = ring.place(of: position)
    var start = place
    while position < head, data < batchBytesMax {
      let length = unsafe Int((ring.bytes + place).load(as: UInt32.self))
      let kind = unsafe (ring.bytes + place).load(fromByteOffset: 4, as: UInt8.self)
      precondition(length >= 8 && length & 7 == 0 && length <= ring.capacity - place)
      position &+= UInt64(length)
      if kind == EntryKind.padding.rawValue {
        unsafe add(part: ring.bytes + start, place - start)
        place = 0
        start = 0
        continue
      }
      place += length
      data += length
      entries += 1
      if place == ring.capacity {
        unsafe add(part: ring.bytes + start, place - start)
        place = 0
        start = 0
      }
    }
    unsafe add(part: ring.bytes + start, place - start)
    ends[index] = position
  }

  /// Largest frame there can be.
  var frameBytesMax: Int {
    let ends = SegmentFormat.frameHeaderBytes + SegmentFormat.hashBytes
    return ends + batchBytesMax + EntryFormat.entryBytesMax + Self.noticesBytesMax + 2
      * Self.blockBytes
  }

  private mutating func add(part start: UnsafeMutableRawPointer, _ count: Int) {
    guard count > 0 else { return }
    unsafe parts[partCount] = iovec(iov_base: start, iov_len: count)
    partCount += 1
  }

  /// The frame is in the file: where it ended in each ring. Its notices are done with.
  mutating func takeEnds(into positions: inout [UInt64]) {
    for index in ends.indices { positions[index] = ends[index] }
    noticeBytes = 0
    noticeCount = 0
  }

  // MARK: Notices

  /// A gap entry for the next frame; false when the notices' room is used up, and a later frame must tell.
  mutating func add(gap drops: UInt64, inAll: UInt64, worker: Int) -> Bool {
    guard let entry = notice(EntryFormat.gapBytes, .gap, worker: worker) else { return false }
    entry.store(linux_audit_wall_nanoseconds(), at: 16)
    entry.store(drops, at: 24)
    entry.store(inAll, at: 32)
    return true
  }

  mutating func add(repair: AuditRepair) {
    guard let entry = notice(EntryFormat.repairBytes, .repair, worker: 0) else { return }
    entry.store(linux_audit_wall_nanoseconds(), at: 16)
    entry.store(repair.segment, at: 24)
    entry.store(repair.reason.rawValue, at: 28)
    entry.store(repair.offset, at: 32)
    entry.store(repair.bytesCut, at: 40)
    // Hash words are kept as they lie in memory; `store` swaps numbers on big-endian machines, so swap back.
    let words = repair.hashOfCut.words
    entry.store(UInt64(littleEndian: words.0), at: 48)
    entry.store(UInt64(littleEndian: words.1), at: 56)
    entry.store(UInt64(littleEndian: words.2), at: 64)
    entry.store(UInt64(littleEndian: words.3), at: 72)
  }

  private mutating func notice(_ count: Int, _ kind: EntryKind, worker: Int) -> EntryWriter? {
    guard noticeBytes + count <= Self.noticesBytesMax else { return nil }
    let place = unsafe memory.baseAddress! + Self.noticesOffset + noticeBytes
    noticeBytes += count
    noticeCount += 1
    return unsafe EntryWriter(
      unsafeAt: place, count: count, kind: kind, flags: 0, worker: UInt16(worker),
      record: RecordID(value: 0))
  }
}
