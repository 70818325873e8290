import AuditTestSupport
import Glibc
import Testing

@testable import Audit

// No Foundation in these tests: they look inside Audit, whose C shims and Foundation's see the C library with different
// feature macros, which Swift's importer does not take.

extension Array where Element == UInt8 {
  /// The bytes as a raw span, whose use Swift 6.3 calls unsafe.
  var raw: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe span.bytes
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }
}

/// One entry as a test sees it.
struct SeenEntry: Equatable {
  var kind: EntryKind
  var worker: UInt16
  var record: UInt64
  var sequence: UInt64
  var body: [UInt8]

  /// The answer bytes a piece or a closing entry carries.
  var answer: [UInt8] {
    switch kind {
    case .answerPiece: data(countAt: 24, from: 32)
    case .closing: data(countAt: 84, from: 96)
    default: []
    }
  }

  func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: Number.Type)
    -> Number
  {
    body.raw.number(at: offset, as: Number.self)
  }

  func data(countAt: Int, from: Int) -> [UInt8] {
    let count = Int(body.raw.number(at: countAt, as: UInt32.self))
    return Array(body[from..<from + count])
  }
}

/// Everything in a directory's segments, and how each segment ended. Checks the links between segments.
func readAll(_ directory: TemporaryDirectory) throws -> (entries: [SeenEntry], ends: [ScanStep]) {
  var entries: [SeenEntry] = []
  var ends: [ScanStep] = []
  var last: AuditHash?
  let folder = AuditFiles.openDirectory(directory.audit, create: false)
  try #require(folder >= 0)
  defer { Glibc.close(folder) }
  for name in directory.segments {
    let number = try #require(UInt32(name.prefix(8)))
    let file = AuditFiles.openForReading(folder, name)
    try #require(file >= 0)
    var scanner = SegmentScanner(takingFile: file, number: number)
    var step = scanner.next()
    if let last { #expect(scanner.header?.link == last, "segment \(number) is not linked") }
    while case .frame(let frame) = step {
      var offset = 0
      var sequence = frame.firstSequence
      while let count = EntryWalk.bytes(ofEntryAt: offset, in: scanner.entries) {
        let span = scanner.entries.extracting(offset..<offset + count)
        let body = unsafe span.withUnsafeBytes { unsafe Array($0) }
        entries.append(
          SeenEntry(
            kind: try #require(EntryKind(rawValue: body[4])),
            worker: span.number(at: 6, as: UInt16.self),
            record: span.number(at: 8, as: UInt64.self), sequence: sequence, body: body))
        offset += count
        sequence += 1
      }
      step = scanner.next()
    }
    ends.append(step)
    last = scanner.lastHash
  }
  return (entries, ends)
}

/// A small seeded generator (SplitMix64), so that a failure can be repeated.
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

extension AuditProducer {
  /// Opens a call with ordinary facts.
  mutating func openCall(request: [UInt8] = Array("{}".utf8)) -> AuditOpening {
    let id = makeRecordID()
    let principal = Array("nightly-report".utf8)
    let tool = Array("query".utf8)
    var facts = CallFacts(record: id, receivedNanoseconds: 1, decision: .allow)
    facts.principal = principal.raw
    facts.tool = tool.raw
    return open(facts, request: request.raw)
  }

  /// A whole call; nil when it was refused.
  mutating func call(request: [UInt8] = Array("{}".utf8), answer: [UInt8]) -> AuditTicket? {
    guard case .opened(var ticket) = openCall(request: request) else { return nil }
    let taken = close(&ticket, CallOutcome(result: .success), answer: answer.raw)
    return taken == answer.count && !ticket.isOpen ? ticket : nil
  }
}

/// Waits for something another thread does, yielding; fails the test after a generous time.
func eventually(_ comment: Comment, _ condition: () -> Bool) {
  for _ in 0..<100_000 {
    if condition() { return }
    usleep(1000)
  }
  Issue.record("never came true: \(comment)")
}
