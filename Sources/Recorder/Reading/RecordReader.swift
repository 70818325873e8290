internal import Audit

/// Reads events from a directory, from some segment on, also while the gateway writes.
struct RecordReader: ~Copyable {
  private var reader: SegmentReader
  private var joiner: CallJoiner

  /// - Parameter bodyBytesMax: most bytes of each request, and of each answer, that are wanted.
  init(
    directory: String, first: UInt32, bodyBytesMax: Int, selection: CallSelection = .all
  ) {
    reader = SegmentReader(directory: directory, first: first)
    joiner = CallJoiner(bytesMax: bodyBytesMax, selection: selection)
  }

  /// Where the reader stands.
  var position: RecordPosition { reader.position }

  enum Step: Equatable {
    /// A frame was read; these calls ended in it.
    case events([RecordedEvent])
    /// Something cannot be read; the rest can. A sentence for the operator.
    case warning(String)
    case end
  }

  /// - Parameter look: sees every entry of the frame that is read.
  mutating func next(
    _ look: (borrowing RecordedEntry) -> Void = { _ in }
  ) throws(RecorderError) -> Step {
    let position = reader.position
    let name = SegmentFormat.name(of: position.segment)
    var events: [RecordedEvent] = []
    let segment = position.segment
    // Taken out, so that the calls it holds are changed in place and not copied for every frame.
    var joiner = CallJoiner(bytesMax: joiner.bytesMax, selection: joiner.selection)
    swap(&joiner, &self.joiner)
    let step = reader.next { _, _, entry in
      look(entry)
      if let event = joiner.take(entry, segment: segment) { events.append(event) }
    }
    swap(&joiner, &self.joiner)
    switch step {
    case .frame: return .events(events)
    case .end: return .end
    case .missing(let number):
      return .warning("audit segment \(SegmentFormat.name(of: number)) is missing")
    case .failed(let code): throw .cannotRead(file: name, code: code)
    case .bad(let problem):
      let more = reader.skip() == nil
      let rest = more ? "; going on with the next segment" : ""
      let warning =
        "audit segment \(name), offset \(position.offset): \(problem.rawValue)\(rest)"
      if !more { throw .damaged(warning) }
      return .warning(warning)
    }
  }

  /// Calls that have begun and not ended, so far.
  var unfinished: [RecordedCall] { joiner.unfinished }

  /// When the oldest call that has begun and not ended began.
  var oldestOpenNanoseconds: UInt64? { joiner.oldestOpenNanoseconds }
}

/// Why the record cannot be read. `description` is a sentence for the operator.
public enum RecorderError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No directory there, or it cannot be opened.
  case cannotOpenDirectory(String)
  /// A directory without any segment.
  case noRecord(String)
  case cannotRead(file: String, code: Int32)
  /// The end of the record is damaged: nothing after that place can be read.
  case damaged(String)
  /// Not the form of a record id.
  case noReference(String)
  case notFound(String)
  /// What was there at first is not there any more.
  case changed(String)
  /// Whoever asked does not want the rest.
  case cancelled

  public var description: String {
    switch self {
    case .cannotOpenDirectory(let text), .damaged(let text): text
    case .noRecord(let directory):
      "there is no record in \(directory): it holds no segment (00000001.sluice and so on)"
    case .cannotRead(let file, let code): "cannot read the audit segment \(file): errno \(code)"
    case .noReference(let text):
      "'\(SafeText.line(text))' is not a record id: 13 letters and digits, as in an answer's Ref"
    case .notFound(let text): "there is no record \(text) in this directory"
    case .changed(let text): "the record \(text) was removed while it was being read"
    case .cancelled: "cancelled"
    }
  }
}
