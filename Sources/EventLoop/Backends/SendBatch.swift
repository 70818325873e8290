internal import CLinux
import Glibc

/// Sends on many sockets in one call, for the back end whose kernel interface has none: Linux's asynchronous I/O
/// (io_submit(2)), which on sockets that never block has done its work when the call returns.
///
/// A send wakes its reader, and a reader on the same core runs as soon as the call is over. With one call for each send that
/// is a switch of threads there and back per send, every time into cold caches; with one call for all of a turn, one for all.
/// Where io_uring is forbidden, as in most containers, this is not.
@safe
struct SendBatch: ~Copyable {
  private let context: aio_context_t
  private let capacity: Int
  private(set) var count = 0
  private let operations: UnsafeMutablePointer<iocb>
  /// The operations by address, as the kernel wants them.
  private let list: UnsafeMutablePointer<UnsafeMutablePointer<iocb>?>
  private let events: UnsafeMutablePointer<io_event>
  private let outcomes: UnsafeMutablePointer<Int32>

  /// From then on the process ignores SIGPIPE, as every server does.
  /// - Throws: `IOError` where the kernel does not give it.
  init(capacity: Int) throws(IOError) {
    var context: aio_context_t = 0
    let code = unsafe linux_batch_open(Int32(capacity), &context)
    guard code == 0 else { throw IOError(operation: "set up asynchronous I/O", code: code) }
    linux_ignore_pipe_signal()
    self.context = context
    self.capacity = capacity
    unsafe operations = .allocate(capacity: capacity)
    unsafe list = .allocate(capacity: capacity)
    unsafe events = .allocate(capacity: capacity)
    unsafe outcomes = .allocate(capacity: capacity)
    for place in 0..<capacity {
      unsafe operations[place] = iocb()
      unsafe operations[place].aio_data = UInt64(place)
      unsafe list[place] = unsafe operations + place
    }
  }

  deinit {
    _ = linux_batch_close(context)
    unsafe operations.deallocate()
    unsafe list.deallocate()
    unsafe events.deallocate()
    unsafe outcomes.deallocate()
  }

  mutating func clear() { count = 0 }

  mutating func add(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ size: Int) {
    precondition(count < capacity)
    unsafe linux_batch_set_send(operations + count, descriptor, bytes, size)
    count &+= 1
  }

  /// Sends what was added.
  mutating func submit() {
    for place in 0..<count { unsafe outcomes[place] = 0 }
    let begun = max(0, unsafe linux_batch_submit(context, Int32(count), list))
    let ended = unsafe linux_batch_wait(context, begun, events)
    precondition(ended == begun, "io_getevents failed")
    for number in 0..<Int(begun) {
      let place = unsafe Int(events[number].data)
      let result = unsafe Int32(truncatingIfNeeded: events[number].res)
      unsafe outcomes[place] = result == -EAGAIN || result == -EINTR ? 0 : result
    }
  }

  /// How many bytes the socket took of the send added as number `place`; 0 when it is full, or when the kernel did not get
  /// that far; or -errno.
  func outcome(_ place: Int) -> Int32 {
    precondition(place < count)
    return unsafe outcomes[place]
  }
}
