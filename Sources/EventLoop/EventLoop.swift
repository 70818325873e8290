internal import CLinux
import Glibc

/// Which of the kernel's interfaces an event loop uses.
public enum IOChoice: String, Sendable, CaseIterable {
  /// io_uring where the kernel allows it, else epoll.
  case automatic = "auto"
  case ioUring = "io_uring"
  case epoll
}

/// How large an event loop is. Everything is bounded here.
public struct EventLoopSettings: Sendable {
  /// Sockets at once: listeners, clients and upstreams together. At most 16 million.
  public var socketsMax = 32768
  /// Receive buffers; a power of two up to 32768. Count times size around 4 MiB stays in the cache.
  public var bufferCount = 256
  /// Bytes per receive buffer; a multiple of 64.
  public var bufferBytes = 16384
  /// Entries of io_uring's submission queue; a power of two up to 32768.
  public var ringEntries = 1024
  /// Whether epoll's sends of one turn may leave in one call, where the kernel can do that.
  package var batchesSends = true
  /// The token of `.woken` completions.
  public var wakeToken = Token(kind: 0xFF, slot: 0)

  public init() {}
}

/// Wakes an event loop from any thread. Calls between two turns of the loop count once.
///
/// It may outlive the loop, and then wakes nobody: the descriptor is closed when the last copy is gone, since closed any
/// earlier its number could be another file's when it is written to.
public struct Waker: Sendable {
  private let eventfd: EventDescriptor

  /// The loop's eventfd, for those who signal it themselves and keep the waker as long as they may.
  public var descriptor: Int32 { eventfd.number }

  init(descriptor: Int32) { eventfd = EventDescriptor(descriptor) }

  public func wake() { _ = linux_eventfd_signal(descriptor) }
}

private final class EventDescriptor: Sendable {
  let number: Int32

  init(_ number: Int32) { self.number = number }

  deinit { if number >= 0 { _ = linux_close(number) } }
}

/// One thread's input and output: operations in, completions out.
///
/// The owner submits operations, calls `wait` once per turn and then takes completions one by one with `next`:
///
///     loop.wait(until: deadline)
///     while loop.next(&completion) {
///       switch completion.kind { … }
///     }
///
/// Which back end runs makes no difference above. Receive buffers must be released before the next `wait`.
/// Memory given to `send` stays the owner's, untouched, until `.sent` or `.closed`.
@safe
public struct EventLoop: ~Copyable {
  private enum Kind { case ioUring, epoll, simulated }

  private let kind: Kind
  private let ioUring: UnsafeMutablePointer<IOUringBackend>?
  private let epoll: UnsafeMutablePointer<EpollBackend>?
  private let simulated: UnsafeMutablePointer<SimulatedBackend>?
  /// Nanoseconds of the monotonic clock, read once per `wait`.
  public private(set) var now: UInt64
  public let waker: Waker
  /// Why `automatic` chose epoll, for the one log line about it; nil when it did not have to.
  public let fallbackReason: String?
  /// Why epoll's sends leave one by one and not those of a turn in one call; nil where they do, and on io_uring.
  public let singleSendsReason: String?

  /// - Throws: `IOError` when the chosen interface cannot be had; `automatic` tries both.
  public init(_ choice: IOChoice, settings: EventLoopSettings) throws(IOError) {
    let descriptor = linux_eventfd_open()
    guard descriptor >= 0 else { throw IOError(operation: "make an eventfd", code: descriptor) }
    let waker = Waker(descriptor: descriptor)
    var ring: UnsafeMutablePointer<IOUringBackend>? = nil
    var poll: UnsafeMutablePointer<EpollBackend>? = nil
    var reason: IOError? = nil
    if choice != .epoll {
      do throws(IOError) {
        unsafe ring = try EventLoop.openIOUring(settings, descriptor)
      } catch {
        guard choice == .automatic else { throw error }
        reason = error
      }
    }
    if unsafe ring == nil { unsafe poll = try EventLoop.openEpoll(settings, descriptor) }
    kind = unsafe ring != nil ? .ioUring : .epoll
    unsafe ioUring = ring
    unsafe epoll = poll
    unsafe simulated = nil
    fallbackReason = reason?.description
    singleSendsReason = unsafe poll?.pointee.singleSendsReason?.description
    self.waker = waker
    now = linux_monotonic_nanoseconds()
  }

  private static func openIOUring(
    _ settings: EventLoopSettings, _ wakeDescriptor: Int32
  ) throws(IOError) -> UnsafeMutablePointer<IOUringBackend> {
    let backend = try IOUringBackend(settings: settings, wakeDescriptor: wakeDescriptor)
    let place = UnsafeMutablePointer<IOUringBackend>.allocate(capacity: 1)
    unsafe place.initialize(to: backend)
    return unsafe place
  }

  private static func openEpoll(
    _ settings: EventLoopSettings, _ wakeDescriptor: Int32
  ) throws(IOError) -> UnsafeMutablePointer<EpollBackend> {
    let backend = try EpollBackend(settings: settings, wakeDescriptor: wakeDescriptor)
    let place = UnsafeMutablePointer<EpollBackend>.allocate(capacity: 1)
    unsafe place.initialize(to: backend)
    return unsafe place
  }

  /// An event loop on a simulated network with a simulated clock.
  public init(simulating network: SimulatedNetwork, settings: EventLoopSettings) {
    kind = .simulated
    unsafe ioUring = nil
    unsafe epoll = nil
    unsafe simulated = .allocate(capacity: 1)
    unsafe simulated!.initialize(to: SimulatedBackend(network: network, settings: settings))
    now = network.now
    waker = Waker(descriptor: -1)
    fallbackReason = nil
    singleSendsReason = nil
  }

  deinit {
    unsafe ioUring?.deinitialize(count: 1)
    unsafe ioUring?.deallocate()
    unsafe epoll?.deinitialize(count: 1)
    unsafe epoll?.deallocate()
    unsafe simulated?.deinitialize(count: 1)
    unsafe simulated?.deallocate()
  }

  /// "io_uring", "epoll" or "simulated".
  public var backendName: StaticString {
    switch kind {
    case .ioUring: "io_uring"
    case .epoll: "epoll"
    case .simulated: "simulated"
    }
  }

  // MARK: Sockets

  private mutating func insert(_ descriptor: Int32, _ token: Token) -> Socket? {
    switch kind {
    case .ioUring: unsafe ioUring!.pointee.sockets.insert(descriptor: descriptor, token: token)
    case .epoll: unsafe epoll!.pointee.sockets.insert(descriptor: descriptor, token: token)
    case .simulated: nil
    }
  }

  private func isOpen(_ socket: Socket) -> Bool {
    switch kind {
    case .ioUring:
      unsafe ioUring!.pointee.sockets.contains(socket)
        && !ioUring!.pointee.sockets[socket.index].isClosing
    case .epoll: unsafe epoll!.pointee.sockets.contains(socket)
    case .simulated: unsafe simulated!.pointee.isOpen(socket)
    }
  }

  /// Opens a listener and starts accepting; every worker may open one on the same port (SO_REUSEPORT).
  /// - Parameter port: set to the port that was bound, for an address whose port is 0.
  public mutating func listen(
    on address: SocketAddress, backlog: Int, token: Token, port: inout UInt16
  ) throws(IOError) -> Socket {
    if kind == .simulated {
      port = address.port
      return unsafe simulated!.pointee.listen(port: address.port, token: token)
    }
    let operation = "listen on \(address)"
    var raw = linux_address()
    _ = unsafe linux_address_make(&raw, address.host, address.port)
    let descriptor = unsafe linux_listen(&raw, Int32(clamping: backlog))
    guard descriptor >= 0 else { throw IOError(operation: operation, code: descriptor) }
    port = UInt16(truncatingIfNeeded: linux_bound_port(descriptor))
    guard let socket = insert(descriptor, token) else {
      _ = linux_close(descriptor)
      throw IOError(operation: operation, code: EMFILE)
    }
    switch kind {
    case .ioUring:
      unsafe ioUring!.pointee.sockets[socket.index].isListener = true
    case .epoll:
      unsafe epoll!.pointee.sockets[socket.index].isListener = true
    case .simulated: break
    }
    accept(on: socket)
    return socket
  }

  /// Whether the other end of an accepted Unix socket is this very process.
  public func isOwnProcess(_ socket: Socket) -> Bool {
    guard isOpen(socket) else { return false }
    switch kind {
    case .ioUring:
      return unsafe linux_is_own_peer(ioUring!.pointee.sockets[socket.index].descriptor) == 1
    case .epoll:
      return unsafe linux_is_own_peer(epoll!.pointee.sockets[socket.index].descriptor) == 1
    case .simulated: return true
    }
  }

  /// Accepts (again) on a listener that has stopped.
  public mutating func accept(on listener: Socket) {
    guard isOpen(listener) else { return }
    switch kind {
    case .ioUring: unsafe ioUring!.pointee.accept(listener.index)
    case .epoll: unsafe epoll!.pointee.accept(listener.index)
    case .simulated: unsafe simulated!.pointee.accept(listener)
    }
  }

  /// Begins a connection; `.connected` tells the outcome. Nil when there is no socket to be had.
  public mutating func connect(to address: PreparedAddress, token: Token) -> Socket? {
    if kind == .simulated {
      return unsafe simulated!.pointee.connect(port: address.port, token: token)
    }
    let descriptor = unsafe withUnsafePointer(to: address.raw) { unsafe linux_stream_socket($0) }
    guard descriptor >= 0 else { return nil }
    guard let socket = insert(descriptor, token) else {
      _ = linux_close(descriptor)
      return nil
    }
    switch kind {
    case .ioUring: unsafe ioUring!.pointee.connect(socket.index, address)
    case .epoll: unsafe epoll!.pointee.connect(socket.index, address)
    case .simulated: break
    }
    return socket
  }

  /// Gives the socket another owner: later completions carry this token.
  public mutating func setToken(_ token: Token, of socket: Socket) {
    guard isOpen(socket) else { return }
    switch kind {
    case .ioUring: unsafe ioUring!.pointee.sockets[socket.index].token = token
    case .epoll: unsafe epoll!.pointee.sockets[socket.index].token = token
    case .simulated: unsafe simulated!.pointee.setToken(token, of: socket)
    }
  }

  // MARK: Operations

  /// Reports arriving bytes from now on, until `pauseReceiving`, the peer's end or a failure.
  public mutating func receive(on socket: Socket) {
    guard isOpen(socket) else { return }
    switch kind {
    case .ioUring: unsafe ioUring!.pointee.receive(socket.index)
    case .epoll: unsafe epoll!.pointee.receive(socket.index)
    case .simulated: unsafe simulated!.pointee.receive(socket)
    }
  }

  /// Stops reporting, so that the peer feels back-pressure. What is already on its way may still be reported.
  public mutating func pauseReceiving(on socket: Socket) {
    guard isOpen(socket) else { return }
    switch kind {
    case .ioUring: unsafe ioUring!.pointee.pauseReceive(socket.index)
    case .epoll: unsafe epoll!.pointee.pauseReceive(socket.index)
    case .simulated: unsafe simulated!.pointee.pauseReceive(socket)
    }
  }

  /// Sends `count` bytes of `block` from `offset` on. One send at a time per socket.
  public mutating func send(_ block: Block, from offset: Int, count: Int, on socket: Socket) {
    precondition(offset >= 0 && count > 0 && count <= block.capacity &- offset)
    guard isOpen(socket) else { return }
    let start = unsafe UnsafeRawPointer(block.unsafeStart + offset)
    switch kind {
    case .ioUring: unsafe ioUring!.pointee.send(socket.index, start, count)
    case .epoll: unsafe epoll!.pointee.send(socket.index, start, count)
    case .simulated: unsafe simulated!.pointee.send(socket, start, count)
    }
  }

  /// Ends our direction after everything that `.sent` has told of; the peer's direction stays open.
  public mutating func endSending(on socket: Socket) {
    guard isOpen(socket) else { return }
    switch kind {
    case .ioUring:
      _ = unsafe linux_shutdown_send(ioUring!.pointee.sockets[socket.index].descriptor)
    case .epoll: _ = unsafe linux_shutdown_send(epoll!.pointee.sockets[socket.index].descriptor)
    case .simulated: unsafe simulated!.pointee.endSending(socket)
    }
  }

  /// Closes the socket. Exactly one more completion follows, `.closed`; until then the kernel may still read memory
  /// given to `send`.
  public mutating func close(_ socket: Socket) {
    guard isOpen(socket) else { return }
    switch kind {
    case .ioUring: unsafe ioUring!.pointee.close(socket.index)
    case .epoll: unsafe epoll!.pointee.close(socket.index)
    case .simulated: unsafe simulated!.pointee.close(socket)
    }
  }

  // MARK: Completions

  /// Submits what is queued and waits for a completion, at the latest until `deadline` (nanoseconds of `now`'s
  /// clock; `UInt64.max` for no limit). Every receive buffer must have been released.
  public mutating func wait(until deadline: UInt64) {
    let timeout: Int64 =
      deadline == .max ? -1 : deadline <= now ? 0 : Int64(clamping: deadline &- now)
    switch kind {
    case .ioUring:
      unsafe ioUring!.pointee.wait(timeoutNanoseconds: timeout)
      now = linux_monotonic_nanoseconds()
    case .epoll:
      unsafe epoll!.pointee.wait(timeoutNanoseconds: timeout)
      now = linux_monotonic_nanoseconds()
    case .simulated:
      unsafe simulated!.pointee.wait(deadline: deadline)
      now = unsafe simulated!.pointee.network.now
    }
  }

  /// Takes the next completion of this turn; false when there is none and it is time to `wait`.
  public mutating func next(_ completion: inout Completion) -> Bool {
    switch kind {
    case .ioUring: unsafe ioUring!.pointee.next(&completion)
    case .epoll: unsafe epoll!.pointee.next(&completion)
    case .simulated: unsafe simulated!.pointee.next(&completion)
    }
  }

  /// The bytes that arrived.
  ///
  /// Unsafe because the compiler cannot see the span's end of life: it is valid until the completion's buffer is
  /// released, and the owner releases it in the same turn of the loop.
  @unsafe
  @_lifetime(immortal)
  public func unsafeBytes(of completion: Completion) -> RawSpan {
    guard completion.buffer >= 0 else { return unsafe _overrideLifetime(RawSpan(), copying: ()) }
    let start: UnsafeMutablePointer<UInt8> =
      switch kind {
      case .ioUring: unsafe ioUring!.pointee.buffers.start(of: completion.buffer)
      case .epoll: unsafe epoll!.pointee.buffers.start(of: completion.buffer)
      case .simulated: unsafe simulated!.pointee.buffers.start(of: completion.buffer)
      }
    let span = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(start), byteCount: Int(completion.result))
    return unsafe _overrideLifetime(span, copying: ())
  }

  /// Gives a completion's receive buffer back. Harmless for completions without one.
  public mutating func release(_ completion: Completion) {
    guard completion.buffer >= 0 else { return }
    switch kind {
    case .ioUring: unsafe ioUring!.pointee.recycle(completion.buffer)
    case .epoll: unsafe epoll!.pointee.recycle(completion.buffer)
    case .simulated: unsafe simulated!.pointee.recycle(completion.buffer)
    }
  }
}
