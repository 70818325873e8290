internal import CLinux

/// One step through a segment file.
package enum ScanStep: Equatable, Sendable {
  /// A whole frame with the right hashes; its entries are in `SegmentScanner.entries`.
  case frame(FrameHeader)
  /// The file ends after a whole frame.
  case end
  /// The file ends inside a frame (or inside the segment's header): torn, or still being written.
  case incomplete
  /// Bytes that no writer of ours has left, with the reason.
  case bad(ScanProblem)
  /// The file cannot be read: a positive errno.
  case failed(Int32)
}

/// What is wrong with a frame or a header.
package enum ScanProblem: String, Sendable {
  case segmentHeader = "the segment header is damaged"
  case segmentNumber = "the segment header has another segment's number"
  case frameHeader = "no frame begins here"
  case chain = "the frame does not follow the one before it (removed, inserted or reordered)"
  case sequence = "the entry numbers do not follow those before"
  case hash = "the frame's contents do not match their hash"
  case entries = "the frame's entries are malformed"
  case link = "the segment does not follow the one before it"
}

/// Reads one segment file frame by frame, checking every hash, in memory bounded by one frame.
///
/// The file may still grow: after `.end` and `.incomplete` the same step can be tried again later.
@safe
package struct SegmentScanner: ~Copyable {
  private let file: Int32
  package let number: UInt32
  /// Nil before the header was read.
  package private(set) var header: SegmentHeader?
  /// Where the next step reads: the end of the last whole frame.
  package private(set) var offset: Int64 = 0
  /// Hash of the last whole frame (of the header before the first): what the next one must name.
  package private(set) var lastHash = AuditHash.zero
  package private(set) var nextSequence: UInt64 = 0
  private var buffer: UnsafeMutableRawBufferPointer
  private var entryBytes = 0
  private var digest = FrameDigest()

  /// - Parameter file: a descriptor open for reading; closed with the scanner.
  package init(takingFile file: Int32, number: UInt32) {
    self.file = file
    self.number = number
    unsafe buffer = .allocate(byteCount: 1 << 16, alignment: 8)
  }

  /// Opens segment `number` in the directory at `path`; the result is 0 or a positive errno.
  package static func open(_ path: String, number: UInt32) -> Opened {
    let file = AuditFiles.openForReading(-1, path + "/" + SegmentFormat.name(of: number))
    return file < 0
      ? .failed(-file) : .opened(SegmentScanner(takingFile: file, number: number))
  }

  package enum Opened: ~Copyable {
    case opened(SegmentScanner)
    /// A positive errno.
    case failed(Int32)
  }

  deinit {
    _ = linux_file_close(file)
    unsafe buffer.deallocate()
  }

  /// The current size of the file, or -errno.
  package var fileBytes: Int64 { linux_file_size(file) }

  /// The entries of the frame that `next` returned last.
  package var entries: RawSpan {
    @_lifetime(borrow self)
    get {
      let start = unsafe UnsafeRawPointer(buffer.baseAddress!) + SegmentFormat.frameHeaderBytes
      let span = unsafe RawSpan(_unsafeStart: start, byteCount: entryBytes)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Gives every entry of the frame that `next` returned last to `body`.
  package func forEachEntry(_ body: (RawSpan) -> Void) {
    let entries = entries
    var offset = 0
    while let bytes = EntryWalk.bytes(ofEntryAt: offset, in: entries) {
      body(entries.extracting(offset..<offset + bytes))
      offset += bytes
    }
  }

  /// Reads and checks the next frame; the segment's header before the first.
  package mutating func next() -> ScanStep {
    if header == nil, let trouble = readHeader() { return trouble }
    let headerBytes = SegmentFormat.frameHeaderBytes
    if let trouble = read(0..<headerBytes) { return trouble }
    guard let frame = FrameHeader(loaded(headerBytes)) else { return .bad(.frameHeader) }
    if frame.previous != lastHash { return .bad(.chain) }
    if frame.firstSequence != nextSequence { return .bad(.sequence) }
    reserve(frame.frameBytes)
    if let trouble = read(headerBytes..<frame.frameBytes) { return trouble }
    let hashed = frame.frameBytes - SegmentFormat.hashBytes
    let hash = hash(ofFirst: hashed)
    if hash != AuditHash(loaded(frame.frameBytes), at: hashed) { return .bad(.hash) }
    entryBytes = hashed - headerBytes
    if EntryWalk.count(entries) != frame.entries { return .bad(.entries) }
    offset += Int64(frame.frameBytes)
    lastHash = hash
    nextSequence += UInt64(frame.entries)
    return .frame(frame)
  }

  /// The hash of the frame in the buffer, whose own hash lies behind its first `count` bytes.
  private mutating func hash(ofFirst count: Int) -> AuditHash {
    // The buffer is not touched meanwhile, though the compiler cannot tell.
    let frame = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(buffer.baseAddress!), byteCount: count)
    guard header?.version == SegmentFormat.versionWithoutLeaves else {
      return digest.hash(frame: frame)
    }
    var whole = Digest()
    whole.update(frame)
    return whole.finish()
  }

  /// Reads and checks the segment's header only; nil when it is not whole or not right.
  package mutating func readHeaderAlone() -> SegmentHeader? {
    if header == nil, readHeader() != nil { return nil }
    return header
  }

  private mutating func readHeader() -> ScanStep? {
    if let trouble = read(0..<SegmentFormat.headerBytes) {
      // An empty file is a segment whose header never came.
      return trouble == .end ? .incomplete : trouble
    }
    guard let header = SegmentHeader(loaded(SegmentFormat.headerBytes)) else {
      return .bad(.segmentHeader)
    }
    if header.number != number { return .bad(.segmentNumber) }
    self.header = header
    lastHash = header.hash
    nextSequence = header.firstSequence
    offset = Int64(SegmentFormat.headerBytes)
    return nil
  }

  /// Fills `range` of the buffer with the file's bytes from `offset` on; the step to return when they are not there.
  private mutating func read(_ range: Range<Int>) -> ScanStep? {
    var done = range.lowerBound
    while done < range.upperBound {
      let place = unsafe buffer.baseAddress! + done
      let got = unsafe linux_file_read(file, place, range.upperBound - done, offset + Int64(done))
      if got < 0 { return .failed(Int32(-got)) }
      if got == 0 { return done == 0 ? .end : .incomplete }
      done += Int(got)
    }
    return nil
  }

  @_lifetime(borrow self)
  private func loaded(_ count: Int) -> RawSpan {
    let span = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(buffer.baseAddress!), byteCount: count)
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  private mutating func reserve(_ bytes: Int) {
    guard unsafe buffer.count < bytes else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 8)
    unsafe larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
    unsafe buffer.deallocate()
    unsafe buffer = larger
  }
}

/// Walks over entries by their lengths alone.
package enum EntryWalk {
  /// Length of the entry at `offset`, or nil when none can lie there.
  package static func bytes(ofEntryAt offset: Int, in entries: RawSpan) -> Int? {
    guard entries.byteCount - offset >= EntryFormat.headerBytes else { return nil }
    let count = Int(entries.number(at: offset, as: UInt32.self))
    guard count >= EntryFormat.headerBytes, count % 8 == 0, count <= entries.byteCount - offset
    else { return nil }
    return count
  }

  /// How many entries fill the bytes exactly; nil when they do not.
  package static func count(_ entries: RawSpan) -> Int? {
    var offset = 0
    var count = 0
    while offset < entries.byteCount {
      guard let bytes = bytes(ofEntryAt: offset, in: entries) else { return nil }
      offset += bytes
      count += 1
    }
    return count
  }
}
