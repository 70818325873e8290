internal import CLinux
internal import Glibc

/// The chain of segment files as the writer holds it: the open directory and segment, and where the chain stands.
/// Made on the thread that starts the log, used by the writer's thread from then on.
struct SegmentChain: Sendable {
  let path: String
  let segmentBytesMax: Int
  let faults: AuditFaults?

  private(set) var directory: Int32
  /// Descriptor that holds the lock on the directory.
  private var lock: Int32
  /// The segment that is written, or -1 when the next write must begin one.
  private(set) var file: Int32 = -1
  /// The same segment for writes that bypass the page cache, or -1.
  private(set) var directFile: Int32 = -1
  private(set) var number: UInt32
  /// Bytes in whole frames (and the header) of the segment.
  private(set) var offset: Int64 = 0
  /// Hash the next frame, or the next segment, links to.
  private(set) var lastHash: AuditHash
  private(set) var nextSequence: UInt64
  /// Highest record id found at start.
  let highestRecord: UInt64
  let repair: AuditRepair?

  /// Opens and locks the directory, repairs what the last process left, and begins a segment.
  static func open(
    _ settings: AuditSettings, faults: AuditFaults?
  ) throws(AuditError) -> SegmentChain {
    let directory = AuditFiles.openDirectory(settings.directory, create: true)
    guard directory >= 0 else {
      throw .cannotOpenDirectory(path: settings.directory, code: -directory)
    }
    let lock = AuditFiles.lock(directory, Self.lockName)
    guard lock >= 0 else {
      _ = linux_file_close(directory)
      if lock == -EWOULDBLOCK { throw .directoryInUse(path: settings.directory) }
      throw .cannotOpenDirectory(path: settings.directory, code: -lock)
    }
    do throws(AuditError) {
      let end = try SegmentRepair.findEnd(in: directory)
      var chain = SegmentChain(settings, directory, lock, end, faults)
      let code = chain.resumeOrBegin(emptySegment: end.emptySegment)
      guard code == 0 else {
        throw .cannotCreateSegment(file: SegmentFormat.name(of: chain.number + 1), code: code)
      }
      return chain
    } catch {
      _ = linux_file_close(lock)
      _ = linux_file_close(directory)
      throw error
    }
  }

  private static let lockName = "lock"

  private init(
    _ settings: AuditSettings, _ directory: Int32, _ lock: Int32, _ end: SegmentRepair.End,
    _ faults: AuditFaults?
  ) {
    path = settings.directory
    segmentBytesMax = settings.segmentBytesMax
    self.faults = faults
    self.directory = directory
    self.lock = lock
    number = end.number
    lastHash = end.lastHash
    nextSequence = end.nextSequence
    highestRecord = end.highestRecord
    repair = end.repair
  }

  /// Goes on in the last segment when it has a header and nothing else, so that starting often leaves no litter.
  private mutating func resumeOrBegin(emptySegment: Bool) -> Int32 {
    guard emptySegment else { return begin() }
    let file = AuditFiles.openForWriting(directory, SegmentFormat.name(of: number))
    guard file >= 0 else { return -file }
    self.file = file
    directFile = AuditFiles.openDirect(directory, SegmentFormat.name(of: number))
    offset = Int64(SegmentFormat.headerBytes)
    return 0
  }

  /// Whether a frame of `bytes` still belongs into this segment. Every segment takes at least one frame.
  func hasRoom(for bytes: Int) -> Bool {
    guard file >= 0 else { return false }
    return offset + Int64(bytes) <= Int64(segmentBytesMax)
      || offset == Int64(SegmentFormat.headerBytes)
  }

  /// Creates the next segment file with its header. The segment before must have been given up (`release`).
  /// - Returns: 0 or an errno; after a failure nothing has changed and it can be tried again.
  mutating func begin() -> Int32 {
    precondition(file < 0)
    if let code = faults?.create, code != 0 { return code }
    let name = SegmentFormat.name(of: number + 1)
    let created = AuditFiles.create(directory, name)
    guard created >= 0 else { return -created }
    var header = SegmentHeaderBytes(number: number + 1, firstSequence: nextSequence, link: lastHash)
    let put = header.write(to: created, faults: faults)
    guard put == 0 else {
      _ = linux_file_close(created)
      _ = AuditFiles.remove(directory, name)
      return put
    }
    file = created
    directFile = AuditFiles.openDirect(directory, name)
    number += 1
    offset = Int64(SegmentFormat.headerBytes)
    lastHash = header.hash
    return 0
  }

  /// Hands the segment over to whoever closes it; the next write begins a new one.
  mutating func release() -> Int32 {
    closeDirect()
    defer { file = -1 }
    return file
  }

  /// From now on every write into this segment goes through the page cache.
  mutating func closeDirect() {
    if directFile >= 0 { _ = linux_file_close(directFile) }
    directFile = -1
  }

  /// Whether somebody has removed the segment file under us: writes to it would succeed and be lost.
  var isRemoved: Bool { file >= 0 && linux_file_link_count(file) == 0 }

  /// Opens the directory anew by its path, after it (or the segment in it) was removed. Does not create it: what
  /// lay there may have been a mount, and recording beneath its mount point would hide the trouble.
  mutating func reopenDirectory() -> Int32 {
    let again = AuditFiles.openDirectory(path, create: false)
    guard again >= 0 else { return -again }
    _ = linux_file_close(lock)
    lock = AuditFiles.lock(again, Self.lockName)
    guard lock >= 0 else {
      _ = linux_file_close(again)
      return -lock
    }
    _ = linux_file_close(directory)
    directory = again
    let segments = AuditFiles.segments(directory)
    if segments.count > 0 { number = max(number, segments.highest) }
    return 0
  }

  /// A frame of `bytes` with `entries` entries and this hash is in the file.
  mutating func advance(bytes: Int, entries: Int, hash: AuditHash) {
    offset += Int64(bytes)
    nextSequence += UInt64(entries)
    lastHash = hash
  }

  /// Closes everything and unlocks the directory.
  mutating func closeAll() {
    if file >= 0 { _ = linux_file_close(release()) }
    _ = linux_file_close(directory)
    if lock >= 0 { _ = linux_file_close(lock) }
  }
}

/// The 128 bytes at the head of a segment.
@safe
struct SegmentHeaderBytes {
  private var bytes = InlineArray<128, UInt8>(repeating: 0)
  let hash: AuditHash

  init(number: UInt32, firstSequence: UInt64, link: AuditHash) {
    func put<Value: BitwiseCopyable>(
      _ value: Value, at offset: Int, _ bytes: inout InlineArray<128, UInt8>
    ) {
      unsafe withUnsafeBytes(of: value) { source in
        for index in 0..<source.count { bytes[offset + index] = unsafe source[index] }
      }
    }
    put(SegmentFormat.magic.littleEndian, at: 0, &bytes)
    put(SegmentFormat.version.littleEndian, at: 8, &bytes)
    put(UInt32(SegmentFormat.headerBytes).littleEndian, at: 12, &bytes)
    put(UInt64(number).littleEndian, at: 16, &bytes)
    put(linux_audit_wall_nanoseconds().littleEndian, at: 24, &bytes)
    put(firstSequence.littleEndian, at: 32, &bytes)
    put(UInt64(UInt32(bitPattern: getpid())).littleEndian, at: 40, &bytes)
    put(link.words.0, at: 64, &bytes)
    put(link.words.1, at: 72, &bytes)
    put(link.words.2, at: 80, &bytes)
    put(link.words.3, at: 88, &bytes)
    var digest = Digest()
    unsafe withUnsafeBytes(of: bytes) { source in
      unsafe digest.update(unsafe: source.baseAddress!, count: 96)
    }
    let hash = digest.finish()
    put(hash.words.0, at: 96, &bytes)
    put(hash.words.1, at: 104, &bytes)
    put(hash.words.2, at: 112, &bytes)
    put(hash.words.3, at: 120, &bytes)
    self.hash = hash
  }

  mutating func write(to file: Int32, faults: AuditFaults?) -> Int32 {
    if let fault = faults?.write { return fault.code }
    let put = unsafe withUnsafeBytes(of: bytes) { source in
      unsafe linux_file_write(file, source.baseAddress, source.count, 0)
    }
    if put < 0 { return Int32(-put) }
    return put == Int64(SegmentFormat.headerBytes) ? 0 : ENOSPC
  }
}
