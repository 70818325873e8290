/// What a back end knows of one socket.
@safe
struct SocketState: BitwiseCopyable {
  var descriptor: Int32 = -1
  var generation: UInt32 = 0
  var token = Token(kind: 0, slot: 0)
  /// Operations the kernel still holds; the socket is closed only when there are none.
  var outstanding: UInt16 = 0
  var isListener = false
  /// Whether the owner wants to be told of arriving bytes (or connections).
  var wantsReceive = false
  /// Whether the kernel has been asked to tell.
  var receiveArmed = false
  /// The peer ended, or the connection failed: nothing more arrives.
  var receiveEnded = false
  var isConnecting = false
  var isClosing = false
  /// Epoll only: the events the kernel watches for.
  var interest: UInt32 = 0
  /// The bytes being sent; they belong to the owner until `.sent`.
  var sendStart: UnsafeRawPointer? = nil
  var sendRemaining: Int = 0
  var sendTotal: Int = 0
  /// Epoll only: the send waits for the end of the turn.
  var sendIsDeferred = false
}

/// All sockets of one event loop, by index. Memory is touched only as far as it is used.
@safe
struct SocketTable: ~Copyable {
  private let states: UnsafeMutablePointer<SocketState>
  private let freed: UnsafeMutablePointer<UInt32>
  private var freedCount = 0
  private var fresh = 0
  let capacity: Int
  var count: Int { fresh &- freedCount }

  init(capacity: Int) {
    precondition(capacity > 0 && capacity < 1 << 24)
    self.capacity = capacity
    unsafe states = .allocate(capacity: capacity)
    unsafe freed = .allocate(capacity: capacity)
  }

  deinit {
    unsafe states.deallocate()
    unsafe freed.deallocate()
  }

  mutating func insert(descriptor: Int32, token: Token) -> Socket? {
    let index: Int
    if freedCount > 0 {
      freedCount &-= 1
      index = unsafe Int(freed[freedCount])
    } else if fresh < capacity {
      index = fresh
      fresh &+= 1
      unsafe states[index] = SocketState()
    } else {
      return nil
    }
    let generation = unsafe states[index].generation
    unsafe states[index] = SocketState()
    unsafe states[index].generation = generation
    unsafe states[index].descriptor = descriptor
    unsafe states[index].token = token
    return Socket(index: UInt32(index), generation: generation)
  }

  mutating func remove(_ index: UInt32) {
    precondition(freedCount < fresh)
    unsafe states[Int(index)].generation = (states[Int(index)].generation &+ 1) & 0x0FFF_FFFF
    unsafe states[Int(index)].descriptor = -1
    unsafe freed[freedCount] = index
    freedCount &+= 1
  }

  /// Whether the handle still names an open socket.
  func contains(_ socket: Socket) -> Bool {
    unsafe Int(socket.index) < fresh
      && states[Int(socket.index)].generation == socket.generation
      && states[Int(socket.index)].descriptor >= 0
  }

  func socket(_ index: UInt32) -> Socket {
    Socket(index: index, generation: self[index].generation)
  }

  subscript(index: UInt32) -> SocketState {
    @inline(__always)
    unsafeAddress {
      precondition(Int(index) < fresh)
      return unsafe UnsafePointer(states + Int(index))
    }
    @inline(__always)
    nonmutating unsafeMutableAddress {
      precondition(Int(index) < fresh)
      return unsafe states + Int(index)
    }
  }

  /// Calls `body` with the descriptor of every open socket, at shutdown.
  func forEachDescriptor(_ body: (Int32) -> Void) {
    for index in 0..<fresh where unsafe states[index].descriptor >= 0 {
      body(unsafe states[index].descriptor)
    }
  }
}
