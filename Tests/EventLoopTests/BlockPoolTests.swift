import Testing

@testable import EventLoop

/// Memory that is lent, and how much of it. (Expectations copy what they look at, which a pool is not for: hence the constants.)
struct BlockPoolTests {
  @Test(arguments: [(1, 4096), (4096, 4096), (4097, 8192), (5000, 8192), (16 << 20, 16 << 20)])
  func blocksComeInAFewSizes(asked: Int, lent: Int) throws {
    var pool = BlockPool(lentBytesMax: 64 << 20)
    let taken = pool.take(atLeast: asked)
    let block = try #require(taken)
    #expect(block.capacity == lent)
    let during = pool.lentBytes
    pool.give(block)
    let after = pool.lentBytes
    #expect((during, after) == (lent, 0))
  }

  @Test(arguments: [(0, 64), (1, 64), (64, 64), (561, 576), (5000, 5056), (16 << 20, 16 << 20)])
  func aBlockOfItsOwnSizeIsHardlyLarger(asked: Int, lent: Int) throws {
    var pool = BlockPool(lentBytesMax: 64 << 20)
    let taken = pool.take(exactly: asked)
    let block = try #require(taken)
    #expect(block.capacity == lent)
    let during = pool.lentBytes
    pool.give(block)
    let after = pool.lentBytes
    #expect((during, after) == (lent, 0))
    // It is of no size class: the next that asks for one gets one that is large enough.
    let next = pool.take(atLeast: 100)
    let other = try #require(next)
    #expect(other.capacity == 4096)
    pool.give(other)
  }

  @Test func noMoreIsLentThanAllowed() throws {
    var pool = BlockPool(lentBytesMax: 8192)
    let taken = [pool.take(exactly: 4000), pool.take(atLeast: 1)]
    let blocks = try taken.map { try #require($0) }
    let more = [
      pool.take(atLeast: 1), pool.take(exactly: 129), pool.take(exactly: (16 << 20) + 1),
    ].compactMap { $0 }
    #expect(more.isEmpty)
    let refusals = pool.refusals
    #expect(refusals == 3)
    pool.give(blocks[1])
    let last = pool.take(exactly: 4096)
    pool.give(try #require(last))
    pool.give(blocks[0])
    let after = pool.lentBytes
    #expect(after == 0)
  }
}
