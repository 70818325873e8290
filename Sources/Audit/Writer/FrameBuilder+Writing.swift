internal import CLinux
internal import Glibc

/// How a frame gets into the file.
enum FrameRoute {
  /// Through the page cache, straight from the rings: small frames, and when the disk cannot keep up, because the page cache
  /// takes in more than the rings do.
  case cached
  /// The same, with a filler at the end, so that the next frame begins on a disk block.
  case cachedToBlock
  /// Past the page cache, from a copy in aligned memory. The kernel then copies nothing, allocates no pages and has nothing left
  /// to write back: for large frames about half the processor time of the cached way.
  case direct
}

/// Sealing and writing a frame that was gathered.
extension FrameBuilder {
  /// Fills in header, filler and hash; again, with other values, when the segment had to change before the frame was
  /// written.
  mutating func seal(previous: AuditHash, sequence: UInt64, at offset: Int64, route: FrameRoute) {
    bytes = gatheredBytes
    entries = gatheredEntries
    var count = partCount
    if route != .cached, let filler = fillerBytes(at: offset) {
      let place = unsafe memory.baseAddress! + Self.fillerOffset
      unsafe _ = EntryWriter(
        unsafeAt: place, count: filler, kind: .filler, flags: 0, worker: 0,
        record: RecordID(value: 0))
      unsafe parts[count] = iovec(iov_base: place, iov_len: filler)
      count += 1
      bytes += filler
      entries += 1
    }
    storeHeader(previous: previous, sequence: sequence)
    isStaged = route == .direct
    let end = isStaged ? stageAndHash(count) : hashInPlace(count)
    let place = unsafe memory.baseAddress! + SegmentFormat.frameHeaderBytes
    unsafe place.storeBytes(of: hash, as: AuditHash.self)
    unsafe parts[count] = iovec(iov_base: place, iov_len: SegmentFormat.hashBytes)
    sealedParts = count + 1
    if isStaged { unsafe (staging! + end).storeBytes(of: hash, as: AuditHash.self) }
  }

  /// Bytes to the end of the disk block in which the frame would end at `offset`; nil for none.
  private func fillerBytes(at offset: Int64) -> Int? {
    let over = Int((offset + Int64(gatheredBytes)) % Int64(Self.blockBytes))
    if over == 0 { return nil }
    let rest = Self.blockBytes - over
    return rest < EntryFormat.headerBytes ? rest + Self.blockBytes : rest
  }

  private func storeHeader(previous: AuditHash, sequence: UInt64) {
    let header = unsafe memory.baseAddress!
    unsafe header.storeBytes(of: SegmentFormat.frameMagic.littleEndian, as: UInt32.self)
    unsafe header.storeBytes(of: UInt32(bytes).littleEndian, toByteOffset: 4, as: UInt32.self)
    unsafe header.storeBytes(of: sequence.littleEndian, toByteOffset: 8, as: UInt64.self)
    unsafe header.storeBytes(of: UInt32(entries).littleEndian, toByteOffset: 16, as: UInt32.self)
    unsafe header.storeBytes(of: process.littleEndian, toByteOffset: 20, as: UInt32.self)
    let now = linux_audit_wall_nanoseconds()
    unsafe header.storeBytes(of: now.littleEndian, toByteOffset: 24, as: UInt64.self)
    unsafe header.storeBytes(of: previous, toByteOffset: 32, as: AuditHash.self)
    unsafe parts[0] = iovec(iov_base: header, iov_len: SegmentFormat.frameHeaderBytes)
  }

  private mutating func hashInPlace(_ count: Int) -> Int {
    for index in 1..<count {
      let part = unsafe parts[index]
      unsafe digest.update(unsafe: part.iov_base, count: part.iov_len)
    }
    hash = unsafe digest.finish(unsafe: UnsafeRawPointer(memory.baseAddress!))
    return bytes - SegmentFormat.hashBytes
  }

  /// Copies the parts together and hashes the copy, in steps that stay in the processor's cache.
  private mutating func stageAndHash(_ count: Int) -> Int {
    let target = unsafe stagingMemory()
    var end = 0
    var hashed = SegmentFormat.frameHeaderBytes
    for index in 0..<count {
      let part = unsafe parts[index]
      var done = 0
      while unsafe done < part.iov_len {
        let step = unsafe min(Self.stagingStep, part.iov_len - done)
        unsafe (target + end).copyMemory(from: part.iov_base + done, byteCount: step)
        done += step
        end += step
        // A full set of leaves, which are whole here although the rings' stretches end anywhere.
        while end - hashed >= Self.stagingStep {
          unsafe digest.update(unsafe: target + hashed, count: Self.stagingStep)
          hashed += Self.stagingStep
        }
      }
    }
    unsafe digest.update(unsafe: target + hashed, count: end - hashed)
    hash = unsafe digest.finish(unsafe: target)
    return end
  }

  /// As many bytes as there are lanes.
  private static var stagingStep: Int { 16 * SegmentFormat.leafBytes }

  private mutating func stagingMemory() -> UnsafeMutableRawPointer {
    if let staging = unsafe staging { return unsafe staging }
    let made = UnsafeMutableRawPointer.allocate(
      byteCount: frameBytesMax, alignment: Self.blockBytes)
    unsafe staging = unsafe made
    return unsafe made
  }

  /// Writes the sealed frame at `offset`; 0, or an errno and the file may hold a part of the frame.
  ///
  /// `direct` is the file past the page cache, used only for a frame that was sealed for it. Should the file system not
  /// take the write after all, the frame goes the other way and `direct` becomes -1.
  mutating func write(
    to file: Int32, direct: inout Int32, at offset: Int64, faults: AuditFaults?
  ) -> Int32 {
    if let fault = faults?.write { return fail(file, offset, fault.code, after: fault.after) }
    guard isStaged, let staging = unsafe staging else { return writeParts(to: file, at: offset) }
    var done = unsafe linux_file_write(direct, staging, bytes, offset)
    if done == -Int64(EINVAL) {
      direct = -1
      done = 0
    }
    while done < Int64(bytes) {
      // A disk that is nearly full takes a part; the rest of it is no whole number of blocks any more.
      if done < 0 { return Int32(-done) }
      let put = unsafe linux_file_write(file, staging + Int(done), bytes - Int(done), offset + done)
      if put <= 0 { return put == 0 ? ENOSPC : Int32(-put) }
      done += put
    }
    return 0
  }

  private mutating func writeParts(to file: Int32, at offset: Int64) -> Int32 {
    var first = 0
    var done: Int64 = 0
    for part in 0..<sealedParts { unsafe remaining[part] = unsafe parts[part] }
    while done < Int64(bytes) {
      let start = unsafe remaining.baseAddress! + first
      let put = unsafe linux_file_write_vector(
        file, start, Int32(sealedParts - first), offset + done)
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
    while first < sealedParts {
      // Copied out and back as a whole: the thread sanitizer's build cannot compile changing fields in place.
      let part = unsafe remaining[first]
      let count = unsafe part.iov_len
      if rest < count {
        unsafe remaining[first] = iovec(iov_base: part.iov_base + rest, iov_len: count - rest)
        break
      }
      rest -= count
      first += 1
    }
    return first
  }

  /// A disk that takes `after` bytes and then fails, for tests.
  private func fail(_ file: Int32, _ offset: Int64, _ code: Int32, after: Int) -> Int32 {
    let header = unsafe parts[0]
    let count = unsafe min(after, header.iov_len)
    if count > 0 { unsafe _ = linux_file_write(file, header.iov_base, count, offset) }
    return code
  }
}
