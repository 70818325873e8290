internal import CLinux
import Glibc

/// The same completions made from readiness, for kernels and containers without io_uring.
///
/// Small sends wait until everything that has arrived in a turn has been taken, as they do in io_uring's queue, and leave
/// together (see `SendBatch`). What the socket does not take is sent when it becomes writable. A readable socket gives one
/// buffer per turn: what is left shows up again at the next wait (level-triggered), so no peer can starve another.
@safe
struct EpollBackend: ~Copyable {
  private let epoll: Int32
  var sockets: SocketTable
  var buffers: BufferPool
  var queue = CompletionQueue(capacity: 256)
  private let wakeDescriptor: Int32
  private let wakeToken: Token
  private let events: UnsafeMutablePointer<epoll_event>
  private var eventCount = 0
  private var eventNext = 0
  private static var eventsMax: Int { 256 }
  /// Sends that wait for the turn's end, and what they hold: bounded, so that their memory is still in the cache.
  private let deferred: UnsafeMutablePointer<Socket>
  /// Nil where the kernel does not allow it: they leave one by one then.
  private var batch: SendBatch?
  private(set) var singleSendsReason: IOError?
  private var deferredCount = 0
  private var deferredBytes = 0
  private static var deferredMax: Int { 256 }
  private static var deferredBytesMax: Int { 256 << 10 }
  /// A longer send gains nothing from waiting.
  private static var deferredSendBytesMax: Int { 16 << 10 }
  private static var wakeData: UInt64 { .max }

  init(settings: EventLoopSettings, wakeDescriptor: Int32) throws(IOError) {
    sockets = SocketTable(capacity: settings.socketsMax)
    buffers = BufferPool(count: settings.bufferCount, bufferBytes: settings.bufferBytes)
    epoll = linux_epoll_open()
    unsafe events = .allocate(capacity: EpollBackend.eventsMax)
    unsafe deferred = .allocate(capacity: EpollBackend.deferredMax)
    do throws(IOError) {
      batch = settings.batchesSends ? try SendBatch(capacity: EpollBackend.deferredMax) : nil
      singleSendsReason = nil
    } catch {
      batch = nil
      singleSendsReason = error
    }
    self.wakeDescriptor = wakeDescriptor
    wakeToken = settings.wakeToken
    guard epoll >= 0 else { throw IOError(operation: "set up epoll", code: epoll) }
    let code = linux_epoll_control(
      epoll, linux_epoll_add, wakeDescriptor, linux_epoll_readable, EpollBackend.wakeData)
    guard code == 0 else { throw IOError(operation: "watch the wake descriptor", code: code) }
  }

  deinit {
    sockets.forEachDescriptor { _ = linux_close($0) }
    if epoll >= 0 { _ = linux_close(epoll) }
    unsafe events.deallocate()
    unsafe deferred.deallocate()
  }

  /// Tells the kernel what this socket is waited for; a call only when that changed.
  private mutating func updateInterest(_ index: UInt32) {
    let state = sockets[index]
    var wanted: UInt32 = 0
    if state.wantsReceive && !state.receiveEnded { wanted |= linux_epoll_readable }
    if state.isConnecting || state.sendRemaining > 0 && !state.sendIsDeferred {
      wanted |= linux_epoll_writable
    }
    guard wanted != state.interest else { return }
    let data = UInt64(sockets[index].generation) << 32 | UInt64(index)
    let operation: Int32
    if state.interest == 0 {
      operation = linux_epoll_add
    } else if wanted == 0 {
      // Removed, not merely silenced: a hang-up would be reported for ever.
      operation = linux_epoll_remove
    } else {
      operation = linux_epoll_modify
    }
    let code = linux_epoll_control(epoll, operation, sockets[index].descriptor, wanted, data)
    precondition(code == 0, "epoll_ctl failed")
    sockets[index].interest = wanted
  }

  // MARK: Operations

  mutating func accept(_ index: UInt32) { receive(index) }

  mutating func receive(_ index: UInt32) {
    sockets[index].wantsReceive = true
    updateInterest(index)
  }

  mutating func pauseReceive(_ index: UInt32) {
    sockets[index].wantsReceive = false
    updateInterest(index)
  }

  mutating func send(_ index: UInt32, _ bytes: UnsafeRawPointer, _ count: Int) {
    unsafe sockets[index].sendStart = bytes
    sockets[index].sendRemaining = count
    sockets[index].sendTotal = count
    guard count <= EpollBackend.deferredSendBytesMax else { return continueSend(index) }
    if deferredCount == EpollBackend.deferredMax
      || deferredBytes &+ count > EpollBackend.deferredBytesMax
    {
      sendDeferred()
    }
    sockets[index].sendIsDeferred = true
    unsafe deferred[deferredCount] = sockets.socket(index)
    deferredCount &+= 1
    deferredBytes &+= count
  }

  private mutating func sendDeferred() {
    var count = 0
    for place in 0..<deferredCount {
      let socket = unsafe deferred[place]
      // Closed since, or sent already.
      guard sockets.contains(socket), sockets[socket.index].sendIsDeferred else { continue }
      sockets[socket.index].sendIsDeferred = false
      unsafe deferred[count] = socket
      count &+= 1
    }
    deferredCount = 0
    deferredBytes = 0
    // One alone is cheaper by itself.
    let isBatch = count > 1 && batch != nil
    if isBatch { sendTogether(count) }
    for place in 0..<count {
      let index = unsafe deferred[place].index
      let taken = isBatch ? batch!.outcome(place) : 0
      if taken < 0 {
        finishSend(index, taken)
      } else {
        unsafe sockets[index].sendStart! += Int(taken)
        sockets[index].sendRemaining &-= Int(taken)
        continueSend(index)
      }
    }
  }

  private mutating func sendTogether(_ count: Int) {
    batch!.clear()
    for place in 0..<count {
      let index = unsafe deferred[place].index
      unsafe batch!.add(
        sockets[index].descriptor, sockets[index].sendStart, sockets[index].sendRemaining)
    }
    batch!.submit()
  }

  private mutating func continueSend(_ index: UInt32) {
    sockets[index].sendIsDeferred = false
    while sockets[index].sendRemaining > 0 {
      let result = unsafe linux_send(
        sockets[index].descriptor, sockets[index].sendStart, sockets[index].sendRemaining)
      if result == -EINTR { continue }
      if result == -EAGAIN {
        updateInterest(index)
        return
      }
      if result < 0 { return finishSend(index, result) }
      unsafe sockets[index].sendStart! += Int(result)
      sockets[index].sendRemaining &-= Int(result)
    }
    finishSend(index, Int32(truncatingIfNeeded: sockets[index].sendTotal))
  }

  private mutating func finishSend(_ index: UInt32, _ result: Int32) {
    let taken = sockets[index].sendTotal &- sockets[index].sendRemaining
    sockets[index].sendRemaining = 0
    updateInterest(index)
    queue.append(
      Completion(
        kind: .sent, token: sockets[index].token, socket: sockets.socket(index), result: result,
        transferred: Int32(truncatingIfNeeded: taken)))
  }

  mutating func connect(_ index: UInt32, _ address: PreparedAddress) {
    let code = unsafe withUnsafePointer(to: address.raw) { pointer in
      unsafe linux_connect(sockets[index].descriptor, pointer)
    }
    if code == -EINPROGRESS {
      sockets[index].isConnecting = true
      updateInterest(index)
    } else {
      queue.append(
        Completion(
          kind: .connected, token: sockets[index].token, socket: sockets.socket(index),
          result: code))
    }
  }

  mutating func close(_ index: UInt32) {
    guard !sockets[index].isClosing else { return }
    sockets[index].isClosing = true
    let socket = sockets.socket(index)
    let token = sockets[index].token
    _ = linux_close(sockets[index].descriptor)
    sockets.remove(index)
    queue.append(Completion(kind: .closed, token: token, socket: socket, result: 0))
  }

  mutating func recycle(_ buffer: Int32) { buffers.give(buffer) }

  // MARK: Completions

  mutating func wait(timeoutNanoseconds: Int64) {
    sendDeferred()
    let milliseconds: Int32 =
      if !queue.isEmpty {
        0
      } else if timeoutNanoseconds < 0 {
        -1
      } else {
        // Rounded up, or a timer would be found not yet due and the loop would spin.
        Int32(clamping: (timeoutNanoseconds &+ 999_999) / 1_000_000)
      }
    let count = unsafe linux_epoll_wait(
      epoll, events, Int32(EpollBackend.eventsMax), milliseconds)
    precondition(count >= 0 || count == -EINTR, "epoll_wait failed")
    eventCount = max(0, Int(count))
    eventNext = 0
  }

  mutating func next(_ completion: inout Completion) -> Bool {
    while true {
      if popQueued(&completion) { return true }
      guard eventNext < eventCount else {
        guard deferredCount > 0 else { return false }
        sendDeferred()
        continue
      }
      let data = unsafe linux_epoll_data(events + eventNext)
      let flags = unsafe linux_epoll_events(events + eventNext)
      eventNext &+= 1
      if data == EpollBackend.wakeData {
        _ = linux_eventfd_clear(wakeDescriptor)
        completion = Completion(kind: .woken, token: wakeToken, socket: .none, result: 0)
        return true
      }
      let socket = Socket(
        index: UInt32(truncatingIfNeeded: data), generation: UInt32(truncatingIfNeeded: data >> 32))
      // Closed earlier in this very batch of events: nothing to do.
      guard sockets.contains(socket) else { continue }
      if ready(socket.index, flags, &completion) { return true }
    }
  }

  /// A completion for a socket that has been closed since is stale, except `.closed` itself.
  private mutating func popQueued(_ completion: inout Completion) -> Bool {
    while queue.popFirst(into: &completion) {
      if completion.kind == .closed || sockets.contains(completion.socket) { return true }
    }
    return false
  }

  private mutating func ready(
    _ index: UInt32, _ flags: UInt32, _ completion: inout Completion
  ) -> Bool {
    if sockets[index].isListener { return acceptOne(index, &completion) }
    if sockets[index].isConnecting {
      guard flags & (linux_epoll_writable | linux_epoll_failed) != 0 else { return false }
      sockets[index].isConnecting = false
      updateInterest(index)
      completion = Completion(
        kind: .connected, token: sockets[index].token, socket: sockets.socket(index),
        result: linux_connect_outcome(sockets[index].descriptor))
      return true
    }
    if flags & (linux_epoll_writable | linux_epoll_failed) != 0, sockets[index].sendRemaining > 0 {
      continueSend(index)
    }
    guard flags & (linux_epoll_readable | linux_epoll_failed) != 0, sockets[index].wantsReceive
    else { return false }
    return receiveOne(index, &completion)
  }

  private mutating func receiveOne(_ index: UInt32, _ completion: inout Completion) -> Bool {
    guard let buffer = buffers.take() else { return false }
    var result: Int32
    repeat {
      result = unsafe linux_receive(
        sockets[index].descriptor, buffers.start(of: buffer), buffers.bufferBytes)
    } while result == -EINTR
    if result <= 0 {
      buffers.give(buffer)
      if result == -EAGAIN { return false }
      sockets[index].receiveEnded = true
      updateInterest(index)
    }
    completion = Completion(
      kind: .received, token: sockets[index].token, socket: sockets.socket(index), result: result,
      buffer: result > 0 ? buffer : -1)
    return true
  }

  private mutating func acceptOne(_ index: UInt32, _ completion: inout Completion) -> Bool {
    let token = sockets[index].token
    let result = linux_accept(sockets[index].descriptor)
    if result == -EAGAIN || result == -EINTR || result == -ECONNABORTED { return false }
    // Perhaps more are waiting: look at this listener again before the next wait.
    eventNext &-= 1
    guard result >= 0 else {
      pauseReceive(index)
      eventNext &+= 1
      completion = Completion(kind: .accepted, token: token, socket: .none, result: result)
      return true
    }
    guard let socket = sockets.insert(descriptor: result, token: token) else {
      _ = linux_close(result)
      completion = Completion(kind: .accepted, token: token, socket: .none, result: -EMFILE)
      return true
    }
    completion = Completion(kind: .accepted, token: token, socket: socket, result: 0)
    return true
  }
}
