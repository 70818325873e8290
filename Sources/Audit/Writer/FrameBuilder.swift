internal import CLinux
internal import Glibc

/// Builds one frame over memory that stays where it is: header, stretches of the rings, the writer's own notices, hash.
@safe
struct FrameBuilder: ~Copyable {
  /// Bytes of the whole frame.
  private(set) var bytes = 0
  private(set) var entries = 0
  private(set) var hash = AuditHash.zero

  private let rings: [RingBlock]
  private let batchBytesMax: Int
  /// Parts in file order: the header, ring stretches and notices, the hash. Fixed size, reused by every frame.
  private let parts: UnsafeMutableBufferPointer<iovec>
  private let remaining: UnsafeMutableBufferPointer<iovec>
  private var partCount = 1
  /// Header (64), hash (32), then the notices.
  private let memory: UnsafeMutableRawBufferPointer
  private var noticeBytes = 0
  private var noticeCount = 0
  /// Per ring: where the next frame goes on.
  private var ends: [UInt64]
  /// Ring to begin with, so that a busy one cannot starve the others.
  private var firstRing = 0
  private var digest = Digest()

  private static let noticesOffset = 96
  private static let noticesBytesMax = 4096
  /// The kernel takes 1024 parts (IOV_MAX) in one call.
  private static let partsMax = 1024

  init(rings: [RingBlock], batchBytesMax: Int) {
    self.rings = rings
    self.batchBytesMax = batchBytesMax
    ends = rings.map { _ in 0 }
    unsafe parts = .allocate(capacity: Self.partsMax)
    unsafe remaining = .allocate(capacity: Self.partsMax)
    unsafe memory = .allocate(
      byteCount: Self.noticesOffset + Self.noticesBytesMax, alignment: 64)
    unsafe parts.initialize(repeating: iovec())
    unsafe remaining.initialize(repeating: iovec())
  }

  deinit {
    unsafe parts.deallocate()
    unsafe remaining.deallocate()
    unsafe memory.deallocate()
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
      if data >= batchBytesMax || partCount + 3 >= Self.partsMax { continue }
      gather(ring: index, &data)
    }
    firstRing = (firstRing + 1) % rings.count
    bytes = SegmentFormat.frameHeaderBytes + data + SegmentFormat.hashBytes
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

  // MARK: Sealing and writing

  /// Fills in header and hash; again, with other values, when the segment had to change before the frame was written.
  mutating func seal(previous: AuditHash, sequence: UInt64) {
    let header = unsafe memory.baseAddress!
    unsafe header.storeBytes(of: SegmentFormat.frameMagic.littleEndian, as: UInt32.self)
    unsafe header.storeBytes(of: UInt32(bytes).littleEndian, toByteOffset: 4, as: UInt32.self)
    unsafe header.storeBytes(of: sequence.littleEndian, toByteOffset: 8, as: UInt64.self)
    unsafe header.storeBytes(of: UInt64(entries).littleEndian, toByteOffset: 16, as: UInt64.self)
    let now = linux_audit_wall_nanoseconds()
    unsafe header.storeBytes(of: now.littleEndian, toByteOffset: 24, as: UInt64.self)
    unsafe header.storeBytes(of: previous, toByteOffset: 32, as: AuditHash.self)
    unsafe parts[0] = iovec(iov_base: header, iov_len: SegmentFormat.frameHeaderBytes)
    for part in 0..<partCount {
      let stretch = unsafe parts[part]
      unsafe digest.update(unsafe: stretch.iov_base, count: stretch.iov_len)
    }
    hash = digest.finish()
    unsafe (header + 64).storeBytes(of: hash, as: AuditHash.self)
    unsafe parts[partCount] = iovec(iov_base: header + 64, iov_len: SegmentFormat.hashBytes)
  }

  /// Writes the sealed frame at `offset`; 0, or an errno and the file may hold a part of the frame.
  mutating func write(to file: Int32, at offset: Int64, faults: AuditFaults?) -> Int32 {
    let count = partCount + 1
    if let fault = faults?.write { return fail(file, offset, fault.code, after: fault.after) }
    var first = 0
    var done: Int64 = 0
    for part in 0..<count { unsafe remaining[part] = unsafe parts[part] }
    while done < Int64(bytes) {
      let start = unsafe remaining.baseAddress! + first
      let put = unsafe linux_file_write_vector(file, start, Int32(count - first), offset + done)
      if put < 0 { return Int32(-put) }
      if put == 0 { return ENOSPC }
      done += put
      first = skip(Int(put), from: first)
    }
    return 0
  }

  /// Leaves out `written` bytes of the remaining parts; returns the first part that is not done.
  private mutating func skip(_ written: Int, from first: Int) -> Int {
    var first = first
    var rest = written
    while first <= partCount, unsafe rest >= remaining[first].iov_len {
      unsafe rest -= remaining[first].iov_len
      first += 1
    }
    if rest > 0 {
      unsafe remaining[first].iov_base += rest
      unsafe remaining[first].iov_len -= rest
    }
    return first
  }

  /// A disk that takes `after` bytes and then fails, for tests.
  private func fail(_ file: Int32, _ offset: Int64, _ code: Int32, after: Int) -> Int32 {
    let count = unsafe min(after, parts[0].iov_len)
    if count > 0 { unsafe _ = linux_file_write(file, parts[0].iov_base, count, offset) }
    return code
  }
}
