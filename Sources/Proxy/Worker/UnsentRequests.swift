/// Requests that are handed to their connections when everything else of this turn has been seen.
///
/// A connection from the pool may have been ended by its server meanwhile, and the news of that may be in the very batch
/// of completions that the request came with. Sending last means that such a connection is known to be dead before a byte
/// was given to it, so that the request can take another one without the risk of being run twice.
struct UnsentRequests: ~Copyable {
  /// A connection to a server, with the generation of its slot.
  struct Entry: BitwiseCopyable {
    var slot: UInt32
    var generation: UInt16
  }

  private var entries = FixedTable<4096, Entry>()
  private var next = 0

  var isEmpty: Bool { entries.count == 0 }

  /// False when there is no more room: then the request is sent at once.
  mutating func append(_ slot: UInt32, generation: UInt16) -> Bool {
    entries.append(Entry(slot: slot, generation: generation))
  }

  mutating func popFirst() -> Entry? {
    guard entries.has(next) else {
      next = 0
      entries.removeAll()
      return nil
    }
    defer { next &+= 1 }
    return entries[next]
  }
}
