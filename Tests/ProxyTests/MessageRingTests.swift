import Foundation
import Synchronization
import Testing
import Wire

@testable import Proxy

/// The queue between a worker and the control plane.
struct MessageRingTests {
  private static func push(_ ring: MessageRing, _ bytes: [UInt8], upTo count: Int? = nil) -> Bool {
    ring.push(upTo: count ?? bytes.count) { out in unsafe out.append(bytes.span.bytes) }
  }

  private static func pop(_ ring: MessageRing) -> [UInt8]? {
    ring.pop { span in
      (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    }
  }

  @Test func messagesComeOutInOrderAndUnchanged() {
    let ring = MessageRing(capacity: 256)
    #expect(ring.isEmpty)
    #expect(Self.pop(ring) == nil)
    #expect(Self.push(ring, [1, 2, 3]))
    #expect(Self.push(ring, []))
    #expect(Self.push(ring, Array(0..<40), upTo: 60))
    #expect(!ring.isEmpty)
    #expect(Self.pop(ring) == [1, 2, 3])
    #expect(Self.pop(ring) == [])
    #expect(Self.pop(ring) == Array(0..<40))
    #expect(Self.pop(ring) == nil)
  }

  @Test func whatDoesNotFitIsNotAdded() {
    let ring = MessageRing(capacity: 128)
    #expect(!Self.push(ring, Array(repeating: 1, count: 121)))
    #expect(Self.push(ring, Array(repeating: 1, count: 56)))
    #expect(Self.push(ring, Array(repeating: 2, count: 56)))
    #expect(!Self.push(ring, []))
    #expect(ring.roomBytes == 0)
    #expect(Self.pop(ring)?.count == 56)
    // More than was asked for is not written.
    #expect(!Self.push(ring, [1, 2, 3], upTo: 2))
    #expect(Self.push(ring, [3]))
    #expect(Self.pop(ring)?.first == 2)
    #expect(Self.pop(ring) == [3])
    #expect(ring.isEmpty)
  }

  /// Against a plain queue, by seed: also around the end of the memory.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func itIsAQueue(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let ring = MessageRing(capacity: 512)
    var model: [[UInt8]] = []
    var refused = 0
    for step in 0..<5000 {
      if Int.random(in: 0..<2, using: &random) == 0 {
        let size = Int.random(in: 0..<140, using: &random)
        let message = (0..<size).map { UInt8(truncatingIfNeeded: $0 + step) }
        let room = ring.roomBytes
        if Self.push(ring, message, upTo: size + Int.random(in: 0..<3, using: &random)) {
          model.append(message)
        } else {
          refused += 1
          #expect(room < size + 3 + 8, "there was room")
        }
      } else {
        #expect(Self.pop(ring) == (model.isEmpty ? nil : model.removeFirst()))
      }
      #expect(ring.isEmpty == model.isEmpty)
    }
    #expect(refused > 0)
  }

  @Test func twoThreadsAgree() async {
    let ring = MessageRing(capacity: 4096)
    let count = 20_000
    let sender = Task.detached {
      for number in 0..<count {
        while !ring.push(
          upTo: 48,
          { out in
            for _ in 0...(number % 5) { out.append(number: UInt64(number)) }
          })
        { await Task.yield() }
      }
    }
    var next = 0
    while next < count {
      let isSound = ring.pop { span in
        var reader = MessageReader(span)
        return span.byteCount == (next % 5 + 1) * 8
          && (0...(next % 5)).allSatisfy { _ in reader.number() == UInt64(next) }
      }
      guard let isSound else {
        await Task.yield()
        continue
      }
      #expect(isSound)
      if !isSound { break }
      next += 1
    }
    await sender.value
    #expect(ring.isEmpty)
  }
}

/// SplitMix64: the same numbers on every run.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
