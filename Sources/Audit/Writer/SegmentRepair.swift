internal import CLinux
internal import Glibc

/// What was cut off the last segment at start, and why. Also kept in the chain, as a repair entry, so that a repair
/// cannot be used to make records disappear unseen.
public struct AuditRepair: Sendable, Equatable, CustomStringConvertible {
  public enum Reason: UInt32, Sendable {
    /// The last write was cut short, as a crash leaves it.
    case torn = 1
    /// Bytes that no crash of the process leaves: a broken disk, a crash of the machine before a sync, or tampering.
    /// What was cut is kept in a file of its own.
    case damaged = 2
  }
  public var reason: Reason
  /// Number of the segment.
  public var segment: UInt32
  /// Offset of the first byte that was cut: the end of the last whole frame.
  public var offset: UInt64
  public var bytesCut: UInt64
  /// What exactly was found there.
  public var detail: String
  /// File in the audit directory that keeps the cut bytes; nil for a torn tail.
  public var keptAs: String?
  package var hashOfCut: AuditHash

  public var description: String {
    let name = SegmentFormat.name(of: segment)
    let kept = keptAs.map { "; kept as \($0)" } ?? ""
    switch reason {
    case .torn:
      return "audit segment \(name): cut a torn tail of \(bytesCut) bytes at offset \(offset) "
        + "(the last write was interrupted)"
    case .damaged:
      return
        "audit segment \(name): cut \(bytesCut) damaged bytes at offset \(offset) (\(detail))\(kept)"
    }
  }
}

/// Finds where the chain ends, and makes it end after a whole frame.
enum SegmentRepair {
  /// Where the next segment links to.
  struct End {
    var number: UInt32 = 0
    var lastHash = AuditHash.zero
    var nextSequence: UInt64 = 0
    var highestRecord: UInt64 = 0
    /// The last segment has a whole header and no frames.
    var emptySegment = false
    var repair: AuditRepair?
  }

  static func findEnd(in directory: Int32) throws(AuditError) -> End {
    let (found, lowest, highest) = AuditFiles.segments(directory)
    guard found >= 0 else { throw .cannotRead(file: ".", code: -found) }
    var end = End()
    guard found > 0 else { return end }
    // Newest first, until one has frames: the highest record id is needed, too.
    var number = highest
    var isLast = true
    while number >= lowest, number > 0 {
      if try take(number, in: directory, isLast: isLast, &end) { break }
      isLast = isLast && end.number == 0
      number -= 1
    }
    // Never a number again that a file (even one that makes no sense) has.
    if end.number < highest, end.emptySegment == false || end.number != highest {
      end.emptySegment = false
      end.number = highest
    }
    return end
  }

  /// Reads one segment; the last one is repaired. True when it has frames and the search is over.
  private static func take(
    _ number: UInt32, in directory: Int32, isLast: Bool, _ end: inout End
  ) throws(AuditError) -> Bool {
    let name = SegmentFormat.name(of: number)
    let file = AuditFiles.openForReading(directory, name)
    if file == -ENOENT { return false }
    guard file >= 0 else { throw .cannotRead(file: name, code: -file) }
    var scanner = SegmentScanner(takingFile: file, number: number)
    var frames = 0
    var step = scanner.next()
    while case .frame = step {
      frames += 1
      end.highestRecord = max(end.highestRecord, highestRecord(in: scanner.entries))
      step = scanner.next()
    }
    if case .failed(let code) = step { throw .cannotRead(file: name, code: code) }
    if isLast, step != .end {
      let problem: ScanProblem? = if case .bad(let problem) = step { problem } else { nil }
      end.repair = try cut(name, in: directory, at: scanner.offset, problem, number: number)
    }
    guard let header = scanner.header else { return false }
    if end.number == 0 {
      end.number = number
      end.lastHash = scanner.lastHash
      end.nextSequence = scanner.nextSequence
      // One of an older version stays empty: what is written now is of this version.
      end.emptySegment = frames == 0 && header.version == SegmentFormat.version
    }
    return frames > 0
  }

  private static func highestRecord(in entries: RawSpan) -> UInt64 {
    var highest: UInt64 = 0
    var offset = 0
    while let bytes = EntryWalk.bytes(ofEntryAt: offset, in: entries) {
      highest = max(highest, entries.number(at: offset + 8, as: UInt64.self))
      offset += bytes
    }
    return highest
  }

  /// Cuts the segment at `offset`; keeps a copy first when the tail is not simply torn. A segment without a whole
  /// header is removed.
  private static func cut(
    _ name: String, in directory: Int32, at offset: Int64, _ problem: ScanProblem?, number: UInt32
  ) throws(AuditError) -> AuditRepair {
    let file = AuditFiles.openForWriting(directory, name)
    guard file >= 0 else { throw .cannotRepair(file: name, code: -file) }
    defer { _ = linux_file_close(file) }
    let size = linux_file_size(file)
    guard size >= 0 else { throw .cannotRepair(file: name, code: Int32(-size)) }
    let tail = SegmentTail(file: file, from: offset, to: size)
    guard let hash = tail.hash() else { throw .cannotRead(file: name, code: EIO) }
    let isTorn = problem == nil && !tail.holdsAnotherFrame()
    var repair = AuditRepair(
      reason: isTorn ? .torn : .damaged, segment: number, offset: UInt64(offset),
      bytesCut: UInt64(size - offset),
      detail: problem?.rawValue ?? "a frame is longer than what follows it", hashOfCut: hash)
    if !isTorn {
      let kept = String(name.dropLast(7)) + "-\(offset).damaged"
      let code = tail.copy(to: kept, in: directory)
      guard code == 0 || code == EEXIST else { throw .cannotRepair(file: name, code: code) }
      repair.keptAs = kept
    }
    let code =
      offset == 0 ? AuditFiles.remove(directory, name) : linux_file_truncate(file, offset)
    guard code == 0 else { throw .cannotRepair(file: name, code: -code) }
    guard linux_file_sync(file) == 0, linux_directory_sync(directory) == 0 else {
      throw .cannotRepair(file: name, code: EIO)
    }
    return repair
  }
}

/// The bytes from an offset to the end of a file, read in blocks.
@safe
struct SegmentTail {
  let file: Int32
  let from: Int64
  let to: Int64

  private static let blockBytes = 1 << 16

  /// Calls `body` with every block and its offset within the tail; false when reading or `body` fails.
  private func blocks(_ body: (UnsafeRawBufferPointer, Int64) -> Bool) -> Bool {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.blockBytes, alignment: 8)
    defer { unsafe block.deallocate() }
    var at = from
    while at < to {
      let wanted = min(Self.blockBytes, Int(to - at))
      let got = unsafe linux_file_read(file, block.baseAddress, wanted, at)
      guard got > 0, unsafe body(UnsafeRawBufferPointer(rebasing: block[..<Int(got)]), at - from)
      else { return false }
      at += got
    }
    return true
  }

  func hash() -> AuditHash? {
    var digest = Digest()
    let whole = unsafe blocks { bytes, _ in
      unsafe digest.update(unsafe: bytes.baseAddress!, count: bytes.count)
      return true
    }
    return whole ? digest.finish() : nil
  }

  /// Whether a frame's mark lies behind the first one: then this is no write that was merely cut short.
  func holdsAnotherFrame() -> Bool {
    var found = false
    _ = unsafe blocks { bytes, start in
      for place in stride(from: 0, to: bytes.count - 3, by: 8) where start + Int64(place) > 0 {
        let mark = unsafe UInt32(
          littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        if mark == SegmentFormat.frameMagic { found = true }
      }
      return !found
    }
    return found
  }

  /// Copies the tail into a new file; 0 or an errno.
  func copy(to name: String, in directory: Int32) -> Int32 {
    let target = AuditFiles.create(directory, name)
    guard target >= 0 else { return -target }
    defer { _ = linux_file_close(target) }
    var code: Int32 = EIO
    let whole = unsafe blocks { bytes, start in
      let put = unsafe linux_file_write(target, bytes.baseAddress, bytes.count, start)
      if put < 0 { code = Int32(-put) }
      return put == Int64(bytes.count)
    }
    guard whole else { return code }
    return -linux_file_sync(target)
  }
}
