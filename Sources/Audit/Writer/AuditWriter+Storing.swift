internal import CLinux
internal import Glibc

/// Getting one frame into the file, however long it takes.
extension AuditWriter {
  /// Writes the frame that was gathered; false when the log closes and the disk does not recover in time.
  mutating func store() -> Bool {
    var wait: UInt64 = 10_000_000
    while true {
      let code = attempt()
      if code == 0 { break }
      counters.writeFailures.add(1)
      gate.writeFailure.storeReleasing(UInt64(AuditReason.refusal(for: code).rawValue))
      if hasToGiveUp() { return false }
      gate.stage.storeOrdered(WriterGate.backingOff)
      if gate.closing.loadOrdered() == 1 { wait = 10_000_000 }
      gate.sleep(in: WriterGate.backingOff, nanoseconds: wait)
      wait = min(wait * 2, 1_000_000_000)
    }
    if gate.writeFailure.loadRelaxed() != 0 { gate.writeFailure.storeReleasing(0) }
    return true
  }

  private mutating func hasToGiveUp() -> Bool {
    guard gate.closing.loadOrdered() == 1 else { return false }
    let now = linux_audit_monotonic_nanoseconds()
    let limit = givesUp ?? now &+ UInt64(settings.closeWaitMilliseconds) &* 1_000_000
    givesUp = limit
    return now >= limit
  }

  /// One try: 0 when the frame is in the file (and with `synced` on the disk), else an errno and nothing has changed.
  private mutating func attempt() -> Int32 {
    let now = linux_audit_monotonic_nanoseconds()
    if now &- linkChecked >= interval {
      linkChecked = now
      if chain.isRemoved {
        retire()
        return ENOENT
      }
    }
    if !chain.hasRoom(for: frame.bytes) {
      let code = beginSegment()
      if code != 0 { return code }
    }
    frame.seal(
      previous: chain.lastHash, sequence: chain.nextSequence, at: chain.offset, route: route())
    let code = put()
    if code != 0 { return code }
    if syncer == nil {
      let code = syncNow()
      if code != 0 { return code }
    }
    commit()
    return 0
  }

  /// Large frames bypass the page cache while the writer keeps up; while it does not, the page cache helps.
  private func route() -> FrameRoute {
    guard chain.directFile >= 0, !isBehind, frame.gatheredBytes >= settings.directBytesMin else {
      return .cached
    }
    return chain.offset % Int64(FrameBuilder.blockBytes) == 0 ? .direct : .cachedToBlock
  }

  private mutating func beginSegment() -> Int32 {
    if chain.file >= 0 {
      retire()
    } else {
      let code = chain.reopenDirectory()
      if code != 0 { return code }
    }
    let code = chain.begin()
    if code != 0 { return code }
    counters.segment.storeRelaxed(UInt64(chain.number))
    counters.bytesWritten.add(UInt64(SegmentFormat.headerBytes))
    if let syncer {
      syncer.begin(file: chain.file, directory: chain.directory)
      return 0
    }
    return -linux_directory_sync(chain.directory)
  }

  /// Gives the segment up: the syncer syncs and closes it; without one, every frame in it is synced already.
  private mutating func retire() {
    let file = chain.release()
    if let syncer { syncer.retire(file: file) } else { _ = linux_file_close(file) }
  }

  /// Writes the sealed frame at the segment's end. A partial write is cut off again, so that readers and a restart find
  /// whole frames only.
  private mutating func put() -> Int32 {
    var direct = chain.directFile
    let code = frame.write(to: chain.file, direct: &direct, at: chain.offset, faults: faults)
    if direct < 0 { chain.closeDirect() }
    if code == 0, frame.isStaged { counters.directWrites.add(1) }
    if code != 0 { _ = linux_file_truncate(chain.file, chain.offset) }
    return code
  }

  private func syncNow() -> Int32 {
    if let code = faults?.sync, code != 0 {
      counters.syncFailures.add(1)
      return code
    }
    let code = -linux_file_sync(chain.file)
    if code == 0 { counters.syncs.add(1) } else { counters.syncFailures.add(1) }
    return code
  }

  /// The frame is safe as far as it was promised: give the rings their room back and wake who waits.
  private mutating func commit() {
    chain.advance(bytes: frame.bytes, entries: frame.entries, hash: frame.hash)
    counters.bytesWritten.add(UInt64(frame.bytes))
    counters.entriesWritten.add(UInt64(frame.entries))
    counters.framesWritten.add(1)
    frame.takeEnds(into: &written)
    if let syncer {
      syncer.note(positions: written, bytesWritten: counters.bytesWritten.loadRelaxed())
    } else {
      counters.bytesSynced.storeRelaxed(counters.bytesWritten.loadRelaxed())
    }
    for index in rings.indices where rings[index].consumed.loadRelaxed() != written[index] {
      if syncer == nil { rings[index].durable.storeOrdered(written[index]) }
      rings[index].consumed.storeOrdered(written[index])
      rings[index].wakeWorker()
    }
  }
}
