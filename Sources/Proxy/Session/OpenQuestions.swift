internal import Synchronization
internal import Wire

/// The requests of servers that agents have been asked and have not answered: what makes an answer pass once, and only for a
/// while. One for all workers, because any of them may get the answer.
///
/// A question is known by its sealed id, which is unpredictable and opens only for its principal, server and session; here
/// stands just whether it is open. One atomic word each, in buckets of eight, so that nothing waits and nothing grows:
///
///     word:  40 bits of the id's hash | 24 bits: the second at which it closes        zero: free
///
/// Who takes a word out (compare and exchange) may pass the answer on; nobody else can.
@safe
final class OpenQuestions: Sendable {
  /// Questions that can be open at once, over all workers; a further one is refused to its server. 128 KiB.
  static var capacity: Int { bucketCount * bucketSlots }
  private static var bucketCount: Int { 2048 }
  private static var bucketSlots: Int { 8 }
  private static var secondsMask: UInt64 { 0xFF_FFFF }
  /// Bytes of a sealed id that are looked at: its nonce, which differs for every question.
  private static var prefixBytes: Int { 16 }

  private nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>

  init() {
    unsafe words = .allocate(capacity: OpenQuestions.capacity)
    for index in 0..<OpenQuestions.capacity { unsafe (words + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe words.deinitialize(count: OpenQuestions.capacity)
    unsafe words.deallocate()
  }

  /// Notes a question, or that it is asked again.
  /// - Parameters:
  ///   - id: its sealed id.
  ///   - now: nanoseconds of the loop's clock, which all workers share.
  ///   - time: how long it stays open, in nanoseconds.
  /// - Returns: false when there is no room for it.
  func open(_ id: RawSpan, now: UInt64, for time: UInt64) -> Bool {
    let hash = OpenQuestions.hash(id)
    let now = OpenQuestions.seconds(now)
    let word =
      hash & ~OpenQuestions.secondsMask | (now &+ OpenQuestions.seconds(time) &+ 1)
      & OpenQuestions.secondsMask
    let first = OpenQuestions.bucket(hash)
    // The same question first: it must not stand here twice.
    for place in first..<first &+ OpenQuestions.bucketSlots {
      let seen = unsafe words[place].load(ordering: .relaxed)
      if OpenQuestions.isSame(seen, word), replace(place, seen, word) { return true }
    }
    for place in first..<first &+ OpenQuestions.bucketSlots {
      let seen = unsafe words[place].load(ordering: .relaxed)
      if seen == 0 || OpenQuestions.isOver(seen, now), replace(place, seen, word) { return true }
    }
    return false
  }

  /// Closes a question: true for the one who may pass its answer on.
  func close(_ id: RawSpan, now: UInt64) -> Bool {
    let hash = OpenQuestions.hash(id)
    let now = OpenQuestions.seconds(now)
    let first = OpenQuestions.bucket(hash)
    for place in first..<first &+ OpenQuestions.bucketSlots {
      let seen = unsafe words[place].load(ordering: .acquiring)
      guard OpenQuestions.isSame(seen, hash) else { continue }
      return replace(place, seen, 0) && !OpenQuestions.isOver(seen, now)
    }
    return false
  }

  private func replace(_ place: Int, _ seen: UInt64, _ word: UInt64) -> Bool {
    unsafe words[place].compareExchange(
      expected: seen, desired: word, ordering: .acquiringAndReleasing
    ).exchanged
  }

  private static func isSame(_ left: UInt64, _ right: UInt64) -> Bool {
    left != 0 && (left ^ right) & ~secondsMask == 0
  }

  /// Seconds in 24 bits go round in half a year: the nearer way round decides.
  private static func isOver(_ word: UInt64, _ now: UInt64) -> Bool {
    let left = (word &- now) & secondsMask
    return left == 0 || left > secondsMask / 2
  }

  private static func seconds(_ nanoseconds: UInt64) -> UInt64 { nanoseconds / 1_000_000_000 }

  private static func bucket(_ hash: UInt64) -> Int {
    Int(truncatingIfNeeded: hash & UInt64(bucketCount &- 1)) &* bucketSlots
  }

  /// FNV-1a over the nonce, which is random already; never one whose upper bits are zero.
  private static func hash(_ id: RawSpan) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for offset in 0..<min(prefixBytes, id.byteCount) {
      let byte = unsafe id.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    return hash | 1 << 63
  }
}
