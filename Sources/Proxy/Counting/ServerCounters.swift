internal import Audit
internal import Synchronization

/// What happened to one server's calls and connections since the process started, over all workers and over all snapshots
/// it was part of: whoever makes snapshots hands the same counters to each (`UpstreamServer.counters`).
///
/// A worker takes a block of its own for as long as it uses a snapshot and gives it back afterwards; the next to come
/// counts on in it.
public final class ServerCounters: Sendable {
  private struct Blocks {
    var all: [CounterBlock] = []
    var idle: [CounterBlock] = []
  }

  private let blocks = Mutex(Blocks())

  public init() {}

  deinit {
    blocks.withLock { blocks in
      for block in blocks.all { block.free() }
    }
  }

  var blockCount: Int { blocks.withLock { $0.all.count } }

  func lease() -> CounterBlock {
    blocks.withLock { blocks in
      if let block = blocks.idle.popLast() { return block }
      let block = CounterBlock.make(count: Place.count)
      blocks.all.append(block)
      return block
    }
  }

  func takeBack(_ block: CounterBlock) {
    blocks.withLock { $0.idle.append(block) }
  }

  /// Where the numbers stand in a block.
  enum Place {
    /// Calls by how they ended: `RecordedResult.rawValue` from here on.
    static let results = 0
    static let opened = 8
    static let closed = 9
    static let connectFailures = 10
    static let serverBytes = 11
    static let maskedValues = 12
    static let microseconds = 13
    /// The record of the last call that failed at the server, and the errno of that.
    static let lastFailure = 14
    static let lastFailureCode = 15
    /// Calls by how long they took, one number per bucket.
    static let buckets = 16
    static var count: Int { buckets + ServerCounts.bucketCount }
  }

  /// The numbers now.
  public var counts: ServerCounts {
    let all = blocks.withLock { $0.all }
    func sum(_ place: Int) -> UInt64 { all.reduce(0) { $0 &+ $1.read(place) } }
    var counts = ServerCounts()
    for index in 0..<ServerCounts.resultCount { counts.results[index] = sum(Place.results + index) }
    for index in 0..<ServerCounts.bucketCount { counts.buckets[index] = sum(Place.buckets + index) }
    // Read in this order, a connection that is closed meanwhile does not make the difference negative.
    let closed = sum(Place.closed)
    counts.connectionsOpened = sum(Place.opened)
    counts.connections = counts.connectionsOpened >= closed ? counts.connectionsOpened - closed : 0
    counts.connectFailures = sum(Place.connectFailures)
    counts.serverBytes = sum(Place.serverBytes)
    counts.maskedValues = sum(Place.maskedValues)
    counts.microseconds = sum(Place.microseconds)
    if let last = all.max(by: { $0.read(Place.lastFailure) < $1.read(Place.lastFailure) }),
      last.read(Place.lastFailure) > 0
    {
      counts.lastFailure = RecordID(value: last.read(Place.lastFailure))
      counts.lastFailureCode = Int32(truncatingIfNeeded: last.read(Place.lastFailureCode))
    }
    return counts
  }
}
