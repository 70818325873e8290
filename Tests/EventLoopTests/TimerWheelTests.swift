import EventLoop
import Testing

struct TimerWheelTests {
  @Test func firesInTheRightTurn() {
    var wheel = TimerWheel(capacity: 8, now: 0)
    wheel.schedule(3, at: 10_000_000_000)
    wheel.schedule(1, at: 20_000_000)
    #expect(wheel.popExpired(now: 10_000_000) == nil)
    #expect(wheel.nextDeadline() <= 20_000_000 + 8_400_000)
    #expect(wheel.popExpired(now: 40_000_000) == 1)
    #expect(wheel.popExpired(now: 9_990_000_000) == nil)
    #expect(wheel.popExpired(now: 10_020_000_000) == 3)
    let isEmpty = wheel.isEmpty
    #expect(isEmpty)
    #expect(wheel.nextDeadline() == .max)
  }

  @Test func cancelledNeverFires() {
    var wheel = TimerWheel(capacity: 8, now: 0)
    wheel.schedule(0, at: 50_000_000)
    wheel.schedule(1, at: 50_000_000)
    wheel.schedule(2, at: 50_000_000)
    wheel.cancel(1)
    var fired: Set<UInt32> = []
    while let id = wheel.popExpired(now: 100_000_000) { fired.insert(id) }
    #expect(fired == [0, 2])
  }

  /// Against a plain table: every entry fires once, not early, and at the latest one bucket late, whatever the jumps.
  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func agreesWithATable(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var now: UInt64 = random.next() % 5_000_000_000
    var wheel = TimerWheel(capacity: 200, now: now)
    var table: [UInt32: UInt64] = [:]
    for _ in 0..<20_000 {
      let id = UInt32(random.next() % 200)
      switch random.next() % 4 {
      case 0, 1:
        let far = random.next() % 5 == 0
        let deadline = now + random.next() % (far ? 3_000_000_000_000 : 6_000_000_000)
        wheel.schedule(id, at: deadline)
        table[id] = deadline
      case 2:
        wheel.cancel(id)
        table[id] = nil
      default:
        let jump = random.next() % (random.next() % 50 == 0 ? 60_000_000_000 : 30_000_000)
        now += jump
        while let fired = wheel.popExpired(now: now) {
          guard let deadline = table.removeValue(forKey: fired) else {
            Issue.record("\(fired) fired without being scheduled")
            return
          }
          // A bucket is 8.4 ms wide and fires when it begins.
          #expect(deadline <= now + 8_400_000)
        }
        for (id, deadline) in table {
          #expect(deadline + 2 * 8_400_000 > now, "\(id) was due and did not fire")
        }
        if let earliest = table.values.min() {
          #expect(wheel.nextDeadline() <= earliest + 2 * 8_400_000)
        }
      }
    }
  }
}

/// xorshift64*, so that a failure is repeated by its seed.
struct SeededRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1 }

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }
}
