internal import Audit

/// Where a reader stands: after everything before this place in the record.
public struct RecordPosition: Sendable, Equatable, Comparable {
  public var segment: UInt32
  public var offset: Int64

  public static func < (left: RecordPosition, right: RecordPosition) -> Bool {
    (left.segment, left.offset) < (right.segment, right.offset)
  }
}

/// Reads a directory's segments one frame at a time, checking hashes, also while the gateway is writing.
struct SegmentReader: ~Copyable {
  enum Step: Equatable {
    /// A frame was given to the body.
    case frame(FrameHeader)
    /// Nothing more for now; later there may be.
    case end
    /// Something is wrong at `position`. Reading on starts with the next segment.
    case bad(ScanProblem)
    /// A segment between two others is missing; reading goes on after the gap.
    case missing(UInt32)
    case failed(Int32)
  }

  let directory: String
  private(set) var number: UInt32
  private var open: OpenSegment?
  /// A frame that does not check is read once more before it counts: the gateway may be rewriting it.
  private var doubts = 0

  /// Starts at the beginning of segment `first`.
  init(directory: String, first: UInt32) {
    self.directory = directory
    number = first
  }

  var position: RecordPosition {
    RecordPosition(segment: number, offset: open?.scanner.offset ?? 0)
  }

  /// Hash of the last whole frame, and number of the entry after it; of the segment's header before the first frame.
  var lastHash: AuditHash { open?.scanner.lastHash ?? .zero }
  var nextSequence: UInt64 { open?.scanner.nextSequence ?? 0 }
  /// Header of the segment that is being read, once it was.
  var header: SegmentHeader? { open?.scanner.header }

  /// Reads the next frame and gives its entries to `body`, one after the other, with their numbers.
  mutating func next(
    _ body: (FrameHeader, _ sequence: UInt64, borrowing RecordedEntry) -> Void
  ) -> Step {
    if let trouble = openIfNeeded() { return trouble }
    guard let open else { return .end }
    let step = open.scanner.next()
    switch step {
    case .frame(let frame):
      doubts = 0
      open.forEachEntry(of: frame, body)
      return .frame(frame)
    case .failed(let code): return .failed(code)
    case .bad(let problem):
      doubts += 1
      if doubts < 3, isLast { return .end }
      return .bad(problem)
    case .end, .incomplete:
      guard !isLast else { return .end }
      // The next segment is there, so this one is complete. It may have grown between the two looks.
      if case .frame(let frame) = open.scanner.next() {
        open.forEachEntry(of: frame, body)
        return .frame(frame)
      }
      if step == .incomplete { return .bad(.frameHeader) }
      return skip() ?? next(body)
    }
  }

  /// Goes on with the next segment that exists; nil when that worked.
  mutating func skip() -> Step? {
    guard let range = try? AuditFiles.segments(at: directory).get(), range.upperBound > number
    else {
      return .end
    }
    open = nil
    doubts = 0
    number += 1
    return nil
  }

  private var isLast: Bool {
    guard let range = try? AuditFiles.segments(at: directory).get() else { return true }
    return range.upperBound <= number
  }

  private mutating func openIfNeeded() -> Step? {
    if open != nil { return nil }
    switch SegmentScanner.open(directory, number: number) {
    case .opened(let opened):
      open = OpenSegment(opened)
      return nil
    case .failed(let code):
      guard code == missingFile else { return .failed(code) }
      if isLast { return .end }
      let gap = number
      number += 1
      return .missing(gap)
    }
  }
}

/// ENOENT.
private let missingFile: Int32 = 2

/// An open segment. A class, so that a reader can replace it as a whole.
private final class OpenSegment {
  var scanner: SegmentScanner

  init(_ scanner: consuming SegmentScanner) { self.scanner = scanner }

  func forEachEntry(
    of frame: FrameHeader, _ body: (FrameHeader, UInt64, borrowing RecordedEntry) -> Void
  ) {
    var sequence = frame.firstSequence
    scanner.forEachEntry { bytes in
      if let entry = RecordedEntry(bytes) { body(frame, sequence, entry) }
      sequence += 1
    }
  }
}
