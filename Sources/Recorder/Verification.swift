internal import Audit

/// The result of checking the whole chain.
public struct Verification: Sendable, Equatable, CustomStringConvertible {
  /// The first place where the chain is broken.
  public struct Break: Sendable, Equatable {
    public var segment: String
    /// Offset of the frame (or header) that does not fit.
    public var offset: Int64
    /// What is wrong, as a clause.
    public var reason: String
  }

  /// What was noted elsewhere about the record: an entry's number, and the hash of the frame that holds it.
  public struct Anchor: Sendable, Equatable {
    public var entry: UInt64
    /// The hash in hexadecimal, or its first digits (16 at least).
    public var hash: String
    /// Where it was noted, for people.
    public var source: String

    public init(entry: UInt64, hash: String, source: String) {
      self.entry = entry
      self.hash = hash.lowercased()
      self.source = source
    }

    /// Reads `1742:9f86d081884c7d65…`, as an event has them in `sequence` and `hash`; nil for anything else.
    public init?(_ text: String) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, let entry = UInt64(parts[0]), (16...64).contains(parts[1].utf8.count),
        parts[1].allSatisfy({ $0.isASCII && $0.isHexDigit })
      else { return nil }
      self.init(entry: entry, hash: String(parts[1]), source: "the anchor given")
    }
  }

  public var segments = 0
  public var frames = 0
  public var entries: UInt64 = 0
  public var bytes: Int64 = 0
  /// Nil when everything fits together.
  public var firstBreak: Break?
  /// Number of the first segment there is; above 1, older ones were moved away.
  public var firstSegment: UInt32 = 0
  /// Bytes after the last whole frame: a write in progress, or one a crash cut short.
  public var tailBytes: Int64 = 0
  /// Gaps and repairs that the record itself tells of.
  public var notices: [RecordedNotice] = []
  /// Number of the last entry and hash of the last frame: compare them with what was noted elsewhere to know
  /// that nothing was cut off at the end.
  public var lastEntry: UInt64?
  public var lastHash = ""
  /// Anchors that the record was found to hold.
  public var anchorsFound = 0

  public var isIntact: Bool { firstBreak == nil }

  public var description: String {
    var lines: [String] = []
    if let firstBreak {
      lines.append(
        "BROKEN  \(firstBreak.segment), offset \(firstBreak.offset): \(firstBreak.reason)")
      lines.append("Everything before that place is intact:")
    } else {
      lines.append("intact")
    }
    lines.append(
      "  "
        + [(segments, "segment"), (frames, "frame")].map { Self.count($0.0, $0.1) }.joined(
          separator: ", ")
        + ", \(entries) entries, \(bytes) bytes")
    if firstSegment > 1 {
      lines.append("  begins with segment \(firstSegment): older ones are not in this directory")
    }
    if tailBytes > 0 {
      lines.append("  \(tailBytes) bytes of an unfinished write at the end")
    }
    for notice in notices { lines.append("  " + CallLine.text(of: notice)) }
    if anchorsFound > 0 {
      lines.append("  holds \(Self.count(anchorsFound, "anchor")) noted elsewhere")
    }
    if let lastEntry { lines.append("  last entry \(lastEntry), hash \(lastHash)") }
    return lines.joined(separator: "\n")
  }

  private static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  /// Checks every hash and link in a directory, in memory bounded by one frame. A gateway may be writing meanwhile.
  static func run(
    directory: String, anchors: [Anchor] = []
  ) throws(RecorderError) -> Verification {
    var result = Verification()
    guard let range = try segmentRange(directory) else {
      // Nothing at all is no intact record: whoever removes it all must not be told that all is well.
      guard let known = anchors.first else { throw .noRecord(directory) }
      result.firstBreak = Break(
        segment: SegmentFormat.name(of: 1), offset: 0,
        reason:
          "\(known.source) says that there was an entry \(known.entry), and no segment is left")
      return result
    }
    result.firstSegment = range.lowerBound
    var before: (hash: AuditHash, sequence: UInt64)?
    var anchors = anchors
    for number in range {
      let isLast = number == range.upperBound
      guard try result.take(number, in: directory, &before, &anchors, isLast: isLast) else { break }
    }
    let next = before?.sequence ?? 0
    if result.firstBreak == nil, let missing = anchors.first(where: { $0.entry >= next }) {
      result.firstBreak = Break(
        segment: SegmentFormat.name(of: range.upperBound), offset: 0,
        reason:
          "\(missing.source) says that there was an entry \(missing.entry), and the record ends before it: its end "
          + "was cut off, or lost in a crash of the machine")
    }
    return result
  }

  /// Compares a frame with the anchors in it, which are done with then.
  private mutating func compare(
    _ frame: FrameHeader, _ scanner: borrowing SegmentScanner, _ anchors: inout [Anchor],
    _ name: String
  ) {
    guard !anchors.isEmpty else { return }
    let range = frame.firstSequence..<frame.firstSequence + UInt64(frame.entries)
    let hash = scanner.lastHash.hexadecimal
    for anchor in anchors where range.contains(anchor.entry) {
      if hash.hasPrefix(anchor.hash) {
        anchorsFound += 1
      } else if firstBreak == nil {
        firstBreak = Break(
          segment: name, offset: scanner.offset - Int64(frame.frameBytes),
          reason:
            "\(anchor.source) says that the frame with entry \(anchor.entry) has another hash: this is another record"
        )
      }
    }
    anchors.removeAll { range.contains($0.entry) }
  }

  /// Checks one segment; false at the first break.
  private mutating func take(
    _ number: UInt32, in directory: String, _ before: inout (hash: AuditHash, sequence: UInt64)?,
    _ anchors: inout [Anchor], isLast: Bool
  ) throws(RecorderError) -> Bool {
    let name = SegmentFormat.name(of: number)
    var scanner: SegmentScanner
    switch SegmentScanner.open(directory, number: number) {
    case .opened(let opened): scanner = opened
    case .failed(let code):
      guard code == 2 else { throw .cannotRead(file: name, code: code) }
      firstBreak = Break(segment: name, offset: 0, reason: "the segment is missing")
      return false
    }
    segments += 1
    var step = scanner.next()
    if let header = scanner.header, let before {
      if header.link != before.hash || header.firstSequence != before.sequence {
        step = .bad(.link)
      }
    }
    while case .frame(let frame) = step {
      frames += 1
      entries += UInt64(frame.entries)
      collectNotices(scanner)
      lastEntry = scanner.nextSequence - 1
      compare(frame, scanner, &anchors, name)
      if firstBreak != nil { return false }
      step = scanner.next()
    }
    lastHash = scanner.lastHash.hexadecimal
    before = (scanner.lastHash, scanner.nextSequence)
    bytes += scanner.offset
    return try judge(step, name, scanner.offset, max(0, scanner.fileBytes), isLast: isLast)
  }

  private mutating func judge(
    _ step: ScanStep, _ name: String, _ offset: Int64, _ size: Int64, isLast: Bool
  ) throws(RecorderError) -> Bool {
    switch step {
    case .frame, .end: return true
    case .failed(let code): throw .cannotRead(file: name, code: code)
    case .bad(let problem):
      firstBreak = Break(
        segment: name, offset: problem == .link ? 0 : offset, reason: problem.rawValue)
      return false
    case .incomplete:
      if isLast {
        tailBytes = size - offset
        return true
      }
      firstBreak = Break(
        segment: name, offset: offset, reason: "the segment ends inside a frame, yet others follow")
      return false
    }
  }

  private mutating func collectNotices(_ scanner: borrowing SegmentScanner) {
    var found: [RecordedNotice] = []
    scanner.forEachEntry { bytes in
      guard let entry = RecordedEntry(bytes), entry.kind == .gap || entry.kind == .repair else {
        return
      }
      found.append(CallJoiner.notice(entry))
    }
    notices += found
  }
}
