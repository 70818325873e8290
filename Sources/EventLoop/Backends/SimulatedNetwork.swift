import Glibc

/// A network and a clock inside the process, driven by a seed: what a test plays the clients and the servers on.
///
/// The gateway's side is a `SimulatedBackend`; the other side of every connection is a `Peer` in the hands of the
/// test. Between two turns of the loop the test sends, reads, ends, resets and lets time pass; within a turn the seed
/// decides which sockets make progress, in which order and by how many bytes. The same seed and the same
/// test give the same run, so a failure is repeated by its seed.
///
/// Example: `let client = network.connect(toPort: 80)`, `network.send("GET …", from: client)`, a few turns of
/// the loop, `network.takeReceived(by: client)`.
@safe
public final class SimulatedNetwork {
  /// How unkind the network is.
  public struct Weather: Sendable {
    /// In thousandths: how often a socket that could make progress does not, this turn. Stands for reordering between
    /// sockets, for delay and for the kernel running out of buffers.
    public var stallPerMille: UInt32 = 0
    /// The most bytes that arrive, or leave, at once; drawn anew each time from 1 to this.
    public var segmentBytesMax: Int = 16384
    /// Whether a draw is made at all; without, segments are as large as possible.
    public var shortReads = false
    /// The most nanoseconds that pass per turn.
    public var turnNanosecondsMax: UInt64 = 50_000

    public init() {}
    /// Everything at once: stalls, single bytes, long turns.
    public static func stormy() -> Weather {
      var weather = Weather()
      weather.stallPerMille = 400
      weather.shortReads = true
      weather.segmentBytesMax = 700
      return weather
    }
  }

  /// The test's side of a connection.
  public struct Peer: Hashable, Sendable { let index: Int }

  /// One connection: the gateway's end and the test's end in one record.
  @safe
  struct Connection {
    var isUsed = false
    /// The gateway's view.
    var generation: UInt32 = 0
    var token = Token(kind: 0, slot: 0)
    var isListener = false
    var port: UInt16 = 0
    var isAccepted = false
    var wantsReceive = false
    var endDelivered = false
    var connectPending = false
    var closePending = false
    var sendStart: UnsafeRawPointer? = nil
    var sendRemaining = 0
    var sendTotal = 0
    var sendPending = false
    var endSent = false
    /// The test's view.
    var peerEnded = false
    var peerReset = false
    var peerClosed = false
    /// Bytes the test takes before the gateway's sends stall: a slow reader has a small one.
    var window = 1 << 20
    var toGateway = ByteQueue()
    var toPeer = ByteQueue()
  }

  public var weather: Weather
  /// Nanoseconds of the simulated clock.
  public internal(set) var now: UInt64 = 1_000_000_000
  private var state: UInt64
  let connections: UnsafeMutablePointer<Connection>
  let capacity: Int
  private(set) var fresh = 0
  /// Ports nobody listens on: connecting there fails with ECONNREFUSED.
  public var refusedPorts: Set<UInt16> = []
  /// How often the gateway has asked for a connection.
  public internal(set) var connectAttempts = 0
  /// While true, connections of the gateway neither succeed nor fail.
  public var holdsConnects = false
  /// Connections the gateway opened, in order, not yet taken by `takeOpened`.
  private var opened: [Peer] = []

  public init(seed: UInt64, weather: Weather = Weather(), capacity: Int = 4096) {
    self.weather = weather
    self.capacity = capacity
    state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1
    unsafe connections = .allocate(capacity: capacity)
    for index in 0..<capacity { unsafe (connections + index).initialize(to: Connection()) }
  }

  deinit {
    for index in 0..<fresh {
      unsafe connections[index].toGateway.free()
      unsafe connections[index].toPeer.free()
    }
    unsafe connections.deinitialize(count: capacity)
    unsafe connections.deallocate()
  }

  /// The next number of the seeded sequence (xorshift64*).
  public func random() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }

  /// A number from 0 up to but not including `bound`.
  public func random(below bound: Int) -> Int {
    Int(truncatingIfNeeded: random() >> 33) % max(1, bound)
  }

  // MARK: The test's side

  /// Lets time pass: a jump of the clock.
  public func advance(nanoseconds: UInt64) { now &+= nanoseconds }

  /// A client connects to a listener's port.
  public func connect(toPort port: UInt16) -> Peer {
    let index = allocate()
    unsafe connections[index].port = port
    return Peer(index: index)
  }

  /// The connection the gateway opened first of those not yet taken, with the port it went to.
  public func takeOpened() -> (peer: Peer, port: UInt16)? {
    guard !opened.isEmpty else { return nil }
    let peer = opened.removeFirst()
    return (peer, unsafe connections[peer.index].port)
  }

  public func send(_ bytes: [UInt8], from peer: Peer) {
    unsafe bytes.withUnsafeBytes { unsafe connections[peer.index].toGateway.append($0) }
  }

  /// The same from memory that the caller keeps; nothing is allocated once the queue has grown to its size.
  public func send(_ bytes: UnsafeRawBufferPointer, from peer: Peer) {
    unsafe connections[peer.index].toGateway.append(bytes)
  }

  public func send(_ text: String, from peer: Peer) { send(Array(text.utf8), from: peer) }

  /// Everything the gateway has sent to this peer since the last call.
  public func takeReceived(by peer: Peer) -> [UInt8] {
    unsafe connections[peer.index].toPeer.takeAll()
  }

  /// Throws away what the gateway has sent, and says how much it was.
  public func discardReceived(by peer: Peer) -> Int {
    let count = unsafe connections[peer.index].toPeer.count
    unsafe connections[peer.index].toPeer.drop(count)
    return count
  }

  /// How many bytes wait to be taken.
  public func receivedCount(by peer: Peer) -> Int { unsafe connections[peer.index].toPeer.count }

  /// The peer ends its direction after what it has sent.
  public func end(_ peer: Peer) { unsafe connections[peer.index].peerEnded = true }

  /// The peer resets the connection: what it sent and was not read is lost.
  public func reset(_ peer: Peer) { unsafe connections[peer.index].peerReset = true }

  /// How many unread bytes the peer takes before sends to it stall.
  public func setWindow(_ bytes: Int, of peer: Peer) {
    unsafe connections[peer.index].window = bytes
  }

  /// Whether the gateway has closed its end, or ended its direction.
  public func hasEnded(_ peer: Peer) -> Bool {
    unsafe connections[peer.index].peerClosed || connections[peer.index].endSent
  }

  /// Whether the gateway has closed its end.
  public func isClosed(_ peer: Peer) -> Bool { unsafe connections[peer.index].peerClosed }

  // MARK: The gateway's side

  func allocate() -> Int {
    // Records are not used again while the test may hold a peer of them.
    precondition(fresh < capacity, "the simulated network has no more connections")
    let index = fresh
    fresh &+= 1
    unsafe connections[index].isUsed = true
    return index
  }

  func recordOpened(_ index: Int) { opened.append(Peer(index: index)) }

  var highWater: Int { fresh }
}

/// Bytes on their way, first in, first out; grows by doubling.
@safe
struct ByteQueue: BitwiseCopyable {
  private var storage: UnsafeMutableRawPointer? = nil
  private var capacity = 0
  private var head = 0
  private(set) var count = 0

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    if head &+ count &+ bytes.count > capacity { makeRoom(bytes.count) }
    unsafe (storage! + head + count).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    count &+= bytes.count
  }

  private mutating func makeRoom(_ bytes: Int) {
    if count &+ bytes <= capacity {
      unsafe memmove(storage!, storage! + head, count)
    } else {
      var larger = max(capacity, 4096)
      while larger < count &+ bytes { larger *= 2 }
      let next = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
      if let old = unsafe storage {
        unsafe next.copyMemory(from: old + head, byteCount: count)
        unsafe old.deallocate()
      }
      unsafe storage = next
      capacity = larger
    }
    head = 0
  }

  /// Copies up to `limit` bytes out and forgets them; returns how many.
  mutating func take(into target: UnsafeMutableRawPointer, limit: Int) -> Int {
    let taken = min(limit, count)
    if taken > 0 { unsafe target.copyMemory(from: storage! + head, byteCount: taken) }
    drop(taken)
    return taken
  }

  mutating func drop(_ bytes: Int) {
    head &+= bytes
    count &-= bytes
    if count == 0 { head = 0 }
  }

  mutating func takeAll() -> [UInt8] {
    guard count > 0 else { return [] }
    let all = unsafe Array(UnsafeRawBufferPointer(start: storage! + head, count: count))
    drop(count)
    return all
  }

  func free() { unsafe storage?.deallocate() }
}
