import AuditTestSupport
import Testing

@testable import Audit

/// The ring without a writer: the test plays the writer, by moving `consumed` over whole entries.
@Suite struct RingTests {
  /// What the test knows of one open call.
  private struct Open {
    var ticket: AuditTicket
    var answer: [UInt8] = []
  }

  /// Takes entries out as the writer does, and checks that they are whole and in order.
  private struct Consumer {
    let ring: RingBlock
    var position: UInt64 = 0
    var entries: [SeenEntry] = []

    init(_ ring: RingBlock) { self.ring = ring }

    mutating func take(atMost count: Int) {
      let head = ring.head.loadAcquiring()
      var left = count
      while left > 0, position < head {
        left -= 1
        let place = ring.place(of: position)
        let start = unsafe ring.bytes + place
        let length = unsafe Int(start.load(as: UInt32.self))
        precondition(length >= 8 && length <= ring.capacity - place)
        let kind = unsafe start.load(fromByteOffset: 4, as: UInt8.self)
        if kind != 0 {
          let body = unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length))
          entries.append(
            SeenEntry(
              kind: EntryKind(rawValue: kind)!, worker: body.raw.number(at: 6, as: UInt16.self),
              record: body.raw.number(at: 8, as: UInt64.self), sequence: 0, body: body))
        }
        position += UInt64(length)
      }
      ring.consumed.storeReleasing(position)
    }
  }

  private static let pattern = (0..<16_384).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }

  /// Bytes of a random size from a random place in the pattern.
  private func some(_ sizes: Range<Int>, _ random: inout Seeded) -> [UInt8] {
    let size = Int.random(in: sizes, using: &random)
    let first = Int.random(in: 0...(Self.pattern.count - size), using: &random)
    return Array(Self.pattern[first..<first + size])
  }

  /// A producer whose writer never writes: the log's own threads idle on a ring of their own.
  private func producer(_ log: AuditLog, _ ring: RingBlock) -> AuditProducer {
    AuditProducer(log: log, ring: ring, gate: WriterGate(), worker: 0, firstID: 1)
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8])
  func randomTrafficComesOutWholeAndInOrder(seed: UInt64) throws {
    let directory = try TemporaryDirectory()
    var settings = AuditSettings(directory: directory.audit)
    settings.ringBytes = 65536
    let log = try AuditLog(settings: settings, workers: 1)
    let ring = RingBlock(capacity: 65536)
    defer { ring.free() }
    var producer = producer(log, ring)
    var consumer = Consumer(ring)
    var random = Seeded(seed)
    var open: [Open] = []
    var expected: [UInt64: [UInt8]] = [:]
    var refused = 0
    for _ in 0..<3000 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4:
        let size = Int.random(in: 0..<3000, using: &random)
        switch producer.openCall(request: [UInt8](repeating: UInt8(size & 255), count: size)) {
        case .opened(let ticket): open.append(Open(ticket: ticket))
        case .refused(let why):
          #expect(why == .full)
          refused += 1
        }
      case 4..<6 where !open.isEmpty:
        let index = Int.random(in: 0..<open.count, using: &random)
        let piece = some(1..<12_000, &random)
        let taken = producer.append(&open[index].ticket, answer: piece.raw)
        open[index].answer += piece.prefix(taken)
      case 6..<8 where !open.isEmpty:
        let index = Int.random(in: 0..<open.count, using: &random)
        let piece = some(0..<12_000, &random)
        let taken = producer.close(
          &open[index].ticket, CallOutcome(result: .success), answer: piece.raw)
        open[index].answer += piece.prefix(taken)
        if open[index].ticket.isOpen {
          // No room for all of the answer: the outcome alone always has room.
          let rest = producer.close(&open[index].ticket, CallOutcome(result: .cancelled))
          #expect(rest == 0)
        }
        #expect(!open[index].ticket.isOpen)
        let closed = open.remove(at: index)
        expected[closed.ticket.record.value] = closed.answer
      default:
        consumer.take(atMost: Int.random(in: 0..<20, using: &random))
      }
    }
    // With a ring that is as full as it gets, every open call can still be closed.
    while case .opened(let ticket) = producer.openCall() { open.append(Open(ticket: ticket)) }
    for var call in open {
      let taken = producer.close(&call.ticket, CallOutcome(result: .success))
      #expect(taken == 0 && !call.ticket.isOpen)
      expected[call.ticket.record.value] = call.answer
    }
    consumer.take(atMost: .max)
    #expect(refused > 0)
    let left = producer.ticketsOpen
    #expect(left == 0)

    var answers: [UInt64: [UInt8]] = [:]
    var closed = 0
    for entry in consumer.entries {
      answers[entry.record, default: []] += entry.answer
      if entry.kind == .closing { closed += 1 }
    }
    #expect(closed == expected.count)
    #expect(answers == expected)
    log.close()
  }

  @Test func aFullRingSaysSoAndGetsRoomAgain() throws {
    let directory = try TemporaryDirectory()
    let log = try AuditLog(settings: AuditSettings(directory: directory.audit), workers: 1)
    let ring = RingBlock(capacity: 65536)
    defer { ring.free() }
    var producer = producer(log, ring)
    var consumer = Consumer(ring)
    var state = producer.state
    #expect(state == .healthy)
    let request = [UInt8](repeating: 1, count: 7000)
    var opened = 0
    while case .opened = producer.openCall(request: request) { opened += 1 }
    #expect(opened > 4)
    state = producer.state
    #expect(state == .full)
    consumer.take(atMost: .max)
    state = producer.state
    #expect(state == .healthy)
    let isOpened = if case .opened = producer.openCall(request: request) { true } else { false }
    #expect(isOpened)
    log.close()
  }

  @Test func aRequestThatCanNeverFitIsRefusedByName() throws {
    let directory = try TemporaryDirectory()
    var settings = AuditSettings(directory: directory.audit)
    settings.ringBytes = 65536
    let log = try AuditLog(settings: settings, workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    let most = producer.requestBytesMax
    var why: AuditRefusal?
    if case .refused(let refusal) = producer.openCall(
      request: [UInt8](repeating: 0, count: most + 1))
    {
      why = refusal
    }
    #expect(why == .requestTooLarge)
    var fits = false
    if case .opened(var ticket) = producer.openCall(request: [UInt8](repeating: 0, count: most)) {
      fits = true
      producer.close(&ticket, CallOutcome(result: .success))
    }
    #expect(fits)
    log.close()
  }

  @Test func longTextsAreCutAndMarked() throws {
    let directory = try TemporaryDirectory()
    let log = try AuditLog(settings: AuditSettings(directory: directory.audit), workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    let long = [UInt8](repeating: 0x74, count: 5000)
    var facts = CallFacts(record: producer.makeRecordID(), receivedNanoseconds: 0, decision: .block)
    facts.tool = long.raw
    let outcome = CallOutcome(result: .refused)
    let isRecorded =
      if case .opened = producer.refuse(facts, request: RawSpan(), outcome, answer: RawSpan()) {
        true
      } else {
        false
      }
    #expect(isRecorded)
    log.close()
    let (entries, _) = try readAll(directory)
    #expect(entries[0].number(at: 5, as: UInt8.self) == 8)
    #expect(entries[0].number(at: 56, as: UInt16.self) == 1024)
  }
}
