internal import EventLoop

/// Requests that are handed to their connections when everything else of this turn has been seen.
///
/// A connection from the pool may have been ended by its server meanwhile, and the news of that may be in the very batch
/// of completions that the request came with. Sending last means that such a connection is known to be dead before a byte
/// was given to it, so that the request can take another one without the risk of being run twice.
@safe
struct UnsentRequests: ~Copyable {
  /// A connection to a server, with the generation of its slot.
  struct Entry: BitwiseCopyable {
    var slot: UInt32
    var generation: UInt16
  }

  private static var entriesMax: Int { 4096 }
  private let entries: UnsafeMutablePointer<Entry>
  private var count = 0
  private var next = 0

  init() { unsafe entries = .allocate(capacity: UnsentRequests.entriesMax) }

  deinit { unsafe entries.deallocate() }

  var isEmpty: Bool { count == 0 }

  /// False when there is no more room: then the request is sent at once.
  mutating func append(_ slot: UInt32, generation: UInt16) -> Bool {
    guard count < UnsentRequests.entriesMax else { return false }
    unsafe entries[count] = Entry(slot: slot, generation: generation)
    count &+= 1
    return true
  }

  mutating func popFirst() -> Entry? {
    guard next < count else {
      next = 0
      count = 0
      return nil
    }
    defer { next &+= 1 }
    return unsafe entries[next]
  }
}
