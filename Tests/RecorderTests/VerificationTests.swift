import Audit
import AuditTestSupport
import Foundation
import Testing

@testable import Recorder

@Suite struct VerificationTests {
  /// Several small segments of several frames each.
  private func recorded() throws -> Recording {
    let recording = try Recording()
    let log = try recording.log(segmentBytesMax: 65536, batch: 4096)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for number in 0..<100 {
      var call = Call(principal: "user-\(number)")
      call.answer = String(repeating: "z", count: 2500)
      let made = producer.record(call)
      #expect(made != nil)
    }
    log.close()
    return recording
  }

  @Test func anUntouchedRecordIsIntact() throws {
    let recording = try recorded()
    let result = try recording.commands.verify()
    #expect(result.isIntact)
    #expect(result.entries == 200)
    #expect(result.lastEntry == 199)
    #expect(result.segments == recording.segments.count)
    #expect(result.description.hasPrefix("intact\n"))
  }

  @Test func aRecordThatIsGoneIsNotIntact() throws {
    let recording = try recorded()
    for name in recording.segments { try FileManager.default.removeItem(at: recording.url(name)) }
    #expect(throws: RecorderError.noRecord(recording.audit)) { try recording.commands.verify() }
    let anchor = try #require(Verification.Anchor("7:9f86d081884c7d65"))
    let result = try recording.commands.verify(anchors: [anchor])
    #expect(!result.isIntact)
    #expect(
      result.description.hasPrefix(
        "BROKEN  00000001.sluice, offset 0: the anchor given says that there was an entry 7, and no segment is left"
      ))
  }

  @Test func everyFlippedBitIsFound() throws {
    let recording = try recorded()
    let names = recording.segments
    var seed: UInt64 = 20_260_728
    for _ in 0..<300 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let name = names[Int(seed >> 33) % names.count]
      var bytes = try Data(contentsOf: recording.url(name))
      let place = Int(seed >> 20 & 0xff_ffff) % bytes.count
      let bit = UInt8(1) << UInt8(seed >> 60 & 7)
      bytes[place] ^= bit
      try bytes.write(to: recording.url(name))
      let result = try recording.commands.verify()
      // A changed frame length at the very end looks like a write in progress; it still does not pass unseen.
      #expect(!result.isIntact || result.tailBytes > 0, "\(name) byte \(place) bit \(bit)")
      if let found = result.firstBreak {
        #expect(found.segment == name, "byte \(place) bit \(bit)")
        #expect(found.offset <= place)
      }
      bytes[place] ^= bit
      try bytes.write(to: recording.url(name))
    }
    #expect(try recording.commands.verify().isIntact)
  }

  @Test func removedAndExchangedSegmentsAreFound() throws {
    let recording = try recorded()
    let names = recording.segments
    let third = try Data(contentsOf: recording.url(names[2]))
    try FileManager.default.removeItem(at: recording.url(names[2]))
    var result = try recording.commands.verify()
    #expect(result.firstBreak?.segment == names[2])
    #expect(result.firstBreak?.reason == "the segment is missing")
    try Data(contentsOf: recording.url(names[3])).write(to: recording.url(names[2]))
    result = try recording.commands.verify()
    #expect(result.firstBreak?.segment == names[2])
    try third.write(to: recording.url(names[2]))
    #expect(try recording.commands.verify().isIntact)
    // A record that begins later is no break, but it is said.
    try FileManager.default.removeItem(at: recording.url(names[0]))
    result = try recording.commands.verify()
    #expect(result.isIntact)
    #expect(result.description.contains("begins with segment 2"))
  }

  @Test func aRemovedFrameIsFound() throws {
    let recording = try recorded()
    let name = recording.segments[1]
    let bytes = try Data(contentsOf: recording.url(name))
    let length = bytes[132..<136].enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    var cut = bytes
    cut.removeSubrange(128..<128 + length)
    try cut.write(to: recording.url(name))
    let result = try recording.commands.verify()
    #expect(result.firstBreak?.segment == name)
    #expect(result.firstBreak?.offset == 128)
    #expect(result.description.contains("BROKEN"))
  }

  @Test func aRepairIsToldInTheChain() async throws {
    let recording = try recorded()
    let name = try #require(recording.segments.last)
    let handle = try FileHandle(forWritingTo: recording.url(name))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("SLFR and then nothing".utf8))
    try handle.close()
    #expect(try recording.commands.verify().tailBytes == 21)
    let log = try recording.log()
    #expect(log.repair?.bytesCut == 21)
    #expect(log.repair?.reason == .torn)
    log.close()
    let result = try recording.commands.verify()
    #expect(result.isIntact)
    #expect(result.notices.count == 1)
    let lines = Lines()
    try await recording.commands.tail(count: 1) { lines.all.append($0) }
    #expect(lines.all.first?.contains("REPAIR: 21 bytes") == true)
  }
}
