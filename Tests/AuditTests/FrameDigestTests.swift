import AuditTestSupport
import Glibc
import Testing

@testable import Audit

/// The hash of a frame: the same however its bytes come, and whether leaves are hashed side by side or not.
@Suite struct FrameDigestTests {
  /// The definition, in as few words as it takes.
  private func expected(header: [UInt8], entries: [UInt8]) -> AuditHash {
    var digest = Digest()
    var leaves: [AuditHash] = []
    for start in stride(from: 0, to: entries.count, by: 4096) {
      digest.update(Array(entries[start..<min(start + 4096, entries.count)]).raw)
      leaves.append(digest.finish())
    }
    digest.update(header.raw)
    for leaf in leaves {
      unsafe withUnsafeBytes(of: leaf.words) { bytes in
        unsafe digest.update(unsafe: bytes.baseAddress!, count: 32)
      }
    }
    return digest.finish()
  }

  private func hash(
    _ digest: inout FrameDigest, header: [UInt8], entries: [UInt8], cuts: [Int]
  ) -> AuditHash {
    unsafe entries.withUnsafeBytes { bytes in
      var start = 0
      for cut in cuts.sorted() + [entries.count] where cut > start {
        unsafe digest.update(unsafe: bytes.baseAddress! + start, count: cut - start)
        start = cut
      }
      return unsafe header.withUnsafeBytes { unsafe digest.finish(unsafe: $0.baseAddress!) }
    }
  }

  @Test(arguments: [true, false])
  func anySplitOfAnyFrameHasTheSameHash(sideBySide: Bool) {
    var random = Seeded(4096)
    var digest = FrameDigest(sideBySide: sideBySide)
    let edges = [1, 40, 4095, 4096, 4097, 7 * 4096, 8 * 4096, 16 * 4096, 16 * 4096 + 1, 40 * 4096]
    for round in 0..<200 {
      let size = round < edges.count ? edges[round] : 1 + Int(random.next() % 300_000)
      let entries = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let header = (0..<64).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let cuts = (0..<Int(random.next() % 6)).map { _ in Int(random.next() % UInt64(size)) }
      #expect(
        hash(&digest, header: header, entries: entries, cuts: cuts)
          == expected(header: header, entries: entries), "\(size) bytes cut at \(cuts)")
    }
  }

  @Test func everyByteCounts() {
    var digest = FrameDigest()
    let header = [UInt8](repeating: 1, count: 64)
    var entries = [UInt8](repeating: 2, count: 20 * 4096 + 17)
    let whole = hash(&digest, header: header, entries: entries, cuts: [])
    for place in stride(from: 0, to: entries.count, by: 2999) {
      entries[place] ^= 1
      #expect(hash(&digest, header: header, entries: entries, cuts: []) != whole, "byte \(place)")
      entries[place] ^= 1
    }
    for place in 0..<64 {
      var changed = header
      changed[place] ^= 1
      #expect(hash(&digest, header: changed, entries: entries, cuts: []) != whole)
    }
    #expect(hash(&digest, header: header, entries: entries.dropLast(1), cuts: []) != whole)
  }

  /// Segments of version 1 hashed each frame in one piece: they are read, and the chain goes on in a segment of today.
  @Test func aSegmentOfVersionOneIsReadAndFollowed() throws {
    let directory = try TemporaryDirectory()
    var settings = AuditSettings(directory: directory.audit)
    settings.durability = .interval(milliseconds: 1)
    var log = try AuditLog(settings: settings, workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for _ in 0..<3 { #expect(producer.call(answer: [UInt8](repeating: 7, count: 9000)) != nil) }
    log.close()
    let old = asVersionOne(try directory.bytes(1))
    try directory.replace(1, with: old)
    let (before, ends) = try readAll(directory)
    #expect(ends == [.end] && before.count >= 6)

    log = try AuditLog(settings: settings, workers: 1)
    #expect(log.repair == nil)
    producer = log.producer(worker: 0, wakeDescriptor: -1)
    #expect(producer.call(answer: [8]) != nil)
    log.close()
    #expect(try directory.bytes(1) == old)
    let (after, allEnds) = try readAll(directory)
    #expect(allEnds == [.end, .end] && after.count == before.count + 2)
    #expect(Array(after.prefix(before.count)) == before)

    var spoiled = old
    spoiled[spoiled.count - 40] ^= 1
    try directory.replace(1, with: spoiled)
    unsafe _ = unlink(directory.segment(2))
    #expect(try readAll(directory).ends.first == .bad(.hash))
  }

  /// The same entries as an older version wrote them.
  private func asVersionOne(_ bytes: [UInt8]) -> [UInt8] {
    func hash(_ part: ArraySlice<UInt8>) -> [UInt8] {
      var digest = Digest()
      digest.update(Array(part).raw)
      return unsafe withUnsafeBytes(of: digest.finish().words) { unsafe Array($0) }
    }
    var bytes = bytes
    bytes[8] = 1
    bytes.replaceSubrange(96..<128, with: hash(bytes[0..<96]))
    var previous = Array(bytes[96..<128])
    var start = SegmentFormat.headerBytes
    while start < bytes.count {
      let end = start + Int(bytes.raw.number(at: start + 4, as: UInt32.self))
      bytes.replaceSubrange(start + 32..<start + 64, with: previous)
      previous = hash(bytes[start..<end - 32])
      bytes.replaceSubrange(end - 32..<end, with: previous)
      start = end
    }
    return bytes
  }
}
