internal import CIOUring
internal import CLinux
import Glibc

/// Completions from io_uring: one submission queue per thread, one enter per turn of the loop.
///
/// Accept and receive are multishot: one submission, many completions. The kernel ends a multishot operation when it
/// runs out of buffers (ENOBUFS) or of completion entries; both are ordinary and answered by arming it again at
/// the next wait, when the buffers of this turn have been given back.
@safe
struct IOUringBackend: ~Copyable {
  /// What a completion's user_data says the operation was.
  private enum Operation: UInt64 {
    case accept = 1
    case receive
    case send
    case connect
    case wake
    case ignore
  }

  private let uring: OpaquePointer
  var sockets: SocketTable
  var buffers: BufferPool
  var queue = CompletionQueue(capacity: 256)
  private var wakeDescriptor: Int32
  private let wakeToken: Token
  /// Sockets whose receive must be armed again.
  private let starved: UnsafeMutablePointer<Socket>
  private var starvedCount = 0
  /// Addresses of connection attempts in flight, one per socket index, because the kernel reads them late.
  private let addresses: UnsafeMutablePointer<PreparedAddress>

  init(settings: EventLoopSettings, wakeDescriptor: Int32) throws(IOError) {
    sockets = SocketTable(capacity: settings.socketsMax)
    buffers = BufferPool(count: settings.bufferCount, bufferBytes: settings.bufferBytes)
    var opened: OpaquePointer?
    let code = unsafe uring_open(
      &opened, UInt32(settings.ringEntries), buffers.start(of: 0), UInt32(settings.bufferCount),
      UInt32(settings.bufferBytes))
    guard code == 0, let ring = unsafe opened else {
      throw IOError(operation: "set up io_uring", code: code)
    }
    unsafe uring = ring
    unsafe starved = .allocate(capacity: settings.socketsMax)
    unsafe addresses = .allocate(capacity: settings.socketsMax)
    self.wakeDescriptor = wakeDescriptor
    wakeToken = settings.wakeToken
    armWake()
  }

  deinit {
    sockets.forEachDescriptor { _ = linux_close($0) }
    unsafe uring_close(uring)
    unsafe starved.deallocate()
    unsafe addresses.deallocate()
  }

  // Layout of user_data: operation (4 bits) | generation (28 bits) | index (32 bits).
  private func userData(_ operation: Operation, _ index: UInt32) -> UInt64 {
    operation.rawValue << 60 | UInt64(sockets[index].generation) << 32 | UInt64(index)
  }

  private func check(_ code: Int32) {
    // The only failure is a submission queue that cannot be drained: the ring is broken, not the peer.
    precondition(code == 0, "io_uring takes no more submissions")
  }

  private mutating func armWake() {
    check(unsafe uring_poll(uring, wakeDescriptor, Operation.wake.rawValue << 60))
  }

  // MARK: Operations

  mutating func accept(_ index: UInt32) {
    sockets[index].wantsReceive = true
    guard !sockets[index].receiveArmed else { return }
    sockets[index].receiveArmed = true
    sockets[index].outstanding &+= 1
    check(unsafe uring_accept(uring, sockets[index].descriptor, userData(.accept, index)))
  }

  mutating func receive(_ index: UInt32) {
    sockets[index].wantsReceive = true
    guard !sockets[index].receiveArmed, !sockets[index].receiveEnded else { return }
    armReceive(index)
  }

  private mutating func armReceive(_ index: UInt32) {
    sockets[index].receiveArmed = true
    sockets[index].outstanding &+= 1
    check(unsafe uring_receive(uring, sockets[index].descriptor, userData(.receive, index)))
  }

  mutating func pauseReceive(_ index: UInt32) {
    guard sockets[index].wantsReceive else { return }
    sockets[index].wantsReceive = false
    guard sockets[index].receiveArmed else { return }
    let operation: Operation = sockets[index].isListener ? .accept : .receive
    check(
      unsafe uring_cancel(uring, userData(operation, index), Operation.ignore.rawValue << 60))
  }

  mutating func send(_ index: UInt32, _ bytes: UnsafeRawPointer, _ count: Int) {
    unsafe sockets[index].sendStart = bytes
    sockets[index].sendRemaining = count
    sockets[index].sendTotal = count
    submitSend(index)
  }

  private mutating func submitSend(_ index: UInt32) {
    sockets[index].outstanding &+= 1
    check(
      unsafe uring_send(
        uring, sockets[index].descriptor, sockets[index].sendStart, sockets[index].sendRemaining,
        userData(.send, index)))
  }

  mutating func connect(_ index: UInt32, _ address: PreparedAddress) {
    sockets[index].isConnecting = true
    sockets[index].outstanding &+= 1
    unsafe addresses[Int(index)] = address
    check(
      unsafe uring_connect(
        uring, sockets[index].descriptor, UnsafeRawPointer(addresses + Int(index)),
        address.raw.length, userData(.connect, index)))
  }

  mutating func close(_ index: UInt32) {
    guard !sockets[index].isClosing else { return }
    sockets[index].isClosing = true
    sockets[index].wantsReceive = false
    if sockets[index].outstanding == 0 {
      finishClose(index)
    } else {
      check(
        unsafe uring_cancel_all(
          uring, sockets[index].descriptor, Operation.ignore.rawValue << 60))
    }
  }

  private mutating func finishClose(_ index: UInt32) {
    let socket = sockets.socket(index)
    let token = sockets[index].token
    _ = linux_close(sockets[index].descriptor)
    sockets.remove(index)
    queue.append(Completion(kind: .closed, token: token, socket: socket, result: 0))
  }

  func recycle(_ buffer: Int32) {
    unsafe uring_recycle(uring, UInt32(buffer))
  }

  // MARK: Completions

  mutating func wait(timeoutNanoseconds: Int64) {
    while starvedCount > 0 {
      starvedCount &-= 1
      let socket = unsafe starved[starvedCount]
      if sockets.contains(socket), sockets[socket.index].wantsReceive,
        !sockets[socket.index].receiveArmed, !sockets[socket.index].isClosing
      {
        sockets[socket.index].isListener ? accept(socket.index) : armReceive(socket.index)
      }
    }
    let code = unsafe uring_wait(uring, queue.isEmpty ? timeoutNanoseconds : 0)
    // The time passing, a signal, and a full completion queue (drained next) are no failures.
    precondition(
      code == 0 || code == -ETIME || code == -EINTR || code == -EAGAIN || code == -EBUSY,
      "waiting on io_uring failed")
  }

  mutating func next(_ completion: inout Completion) -> Bool {
    if queue.popFirst(into: &completion) { return true }
    var raw = uring_completion()
    while unsafe uring_next(uring, &raw) {
      let operation = raw.user_data >> 60
      if operation == Operation.ignore.rawValue { continue }
      if operation == Operation.wake.rawValue {
        if !uring_has_more(raw.flags) { armWake() }
        _ = linux_eventfd_clear(wakeDescriptor)
        completion = Completion(kind: .woken, token: wakeToken, socket: .none, result: 0)
        return true
      }
      let index = UInt32(truncatingIfNeeded: raw.user_data)
      let delivered =
        switch operation {
        case Operation.receive.rawValue:
          received(index, raw.result, raw.flags, &completion)
        case Operation.send.rawValue: sent(index, raw.result, &completion)
        case Operation.accept.rawValue:
          accepted(index, raw.result, raw.flags, &completion)
        default: connected(index, raw.result, &completion)
        }
      if delivered { return true }
      if queue.popFirst(into: &completion) { return true }
    }
    return false
  }

  private mutating func received(
    _ index: UInt32, _ result: Int32, _ flags: UInt32, _ completion: inout Completion
  ) -> Bool {
    let buffer = uring_buffer(flags)
    if !uring_has_more(flags) {
      sockets[index].receiveArmed = false
      sockets[index].outstanding &-= 1
    }
    if sockets[index].isClosing {
      if buffer >= 0 { recycle(buffer) }
      if sockets[index].outstanding == 0 { finishClose(index) }
      return false
    }
    if result > 0 {
      if !sockets[index].receiveArmed { rearmLater(index) }
    } else {
      if buffer >= 0 { recycle(buffer) }
      if result == -ENOBUFS || result == -ECANCELED || result == -EINTR || result == -EAGAIN {
        rearmLater(index)
        return false
      }
      sockets[index].receiveEnded = true
    }
    completion = Completion(
      kind: .received, token: sockets[index].token, socket: sockets.socket(index), result: result,
      buffer: result > 0 ? buffer : -1)
    return true
  }

  private mutating func rearmLater(_ index: UInt32) {
    guard sockets[index].wantsReceive, !sockets[index].receiveArmed,
      starvedCount < sockets.capacity
    else { return }
    unsafe starved[starvedCount] = sockets.socket(index)
    starvedCount &+= 1
  }

  private mutating func sent(
    _ index: UInt32, _ result: Int32, _ completion: inout Completion
  ) -> Bool {
    sockets[index].outstanding &-= 1
    if sockets[index].isClosing {
      if sockets[index].outstanding == 0 { finishClose(index) }
      return false
    }
    var outcome = result
    if result >= 0 {
      sockets[index].sendRemaining &-= Int(result)
      if sockets[index].sendRemaining > 0 {
        // A signal or memory pressure can cut even MSG_WAITALL short.
        unsafe sockets[index].sendStart! += Int(result)
        submitSend(index)
        return false
      }
      outcome = Int32(truncatingIfNeeded: sockets[index].sendTotal)
    } else if result == -EINTR || result == -EAGAIN {
      submitSend(index)
      return false
    }
    let taken = sockets[index].sendTotal &- sockets[index].sendRemaining
    completion = Completion(
      kind: .sent, token: sockets[index].token, socket: sockets.socket(index), result: outcome,
      transferred: Int32(truncatingIfNeeded: taken))
    return true
  }

  private mutating func accepted(
    _ index: UInt32, _ result: Int32, _ flags: UInt32, _ completion: inout Completion
  ) -> Bool {
    if !uring_has_more(flags) {
      sockets[index].receiveArmed = false
      sockets[index].outstanding &-= 1
    }
    if sockets[index].isClosing {
      if result >= 0 { _ = linux_close(result) }
      if sockets[index].outstanding == 0 { finishClose(index) }
      return false
    }
    if result == -ECANCELED || result == -EINTR || result == -ECONNABORTED {
      rearmLater(index)
      return false
    }
    let token = sockets[index].token
    guard result >= 0 else {
      sockets[index].wantsReceive = false
      completion = Completion(kind: .accepted, token: token, socket: .none, result: result)
      return true
    }
    if !sockets[index].receiveArmed { rearmLater(index) }
    guard let socket = sockets.insert(descriptor: result, token: token) else {
      _ = linux_close(result)
      completion = Completion(kind: .accepted, token: token, socket: .none, result: -EMFILE)
      return true
    }
    completion = Completion(kind: .accepted, token: token, socket: socket, result: 0)
    return true
  }

  private mutating func connected(
    _ index: UInt32, _ result: Int32, _ completion: inout Completion
  ) -> Bool {
    sockets[index].outstanding &-= 1
    sockets[index].isConnecting = false
    if sockets[index].isClosing {
      if sockets[index].outstanding == 0 { finishClose(index) }
      return false
    }
    completion = Completion(
      kind: .connected, token: sockets[index].token, socket: sockets.socket(index), result: result)
    return true
  }
}
