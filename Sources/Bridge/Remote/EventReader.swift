internal import Wire

/// Reads an event stream from the pieces it comes in, with the data path's own parser.
struct EventReader {
  struct Event: Equatable {
    var name: SSEEventName
    var data: [UInt8]
  }

  /// The id of the last event that had one: where the stream can be taken up again.
  private(set) var lastID: [UInt8]?
  /// How long to wait before that, where the server has said so.
  private(set) var retryMilliseconds: UInt32?

  private var parser: SSEParser
  private var kept: [UInt8] = []

  init(eventBytesMax: Int) { parser = SSEParser(eventBytesMax: eventBytesMax) }

  /// Takes more of the stream and returns the events that are complete now.
  /// - Throws: when an event is over the limit.
  mutating func push(_ bytes: [UInt8]) throws(RemoteFailure) -> [Event] {
    kept += bytes
    let buffer = kept
    let span = unsafe buffer.span.bytes
    var events: [Event] = []
    while true {
      switch parser.next(span) {
      case .tooLarge: throw .tooLarge
      case .needMore:
        let consumed = parser.consumed
        if consumed > 0 { kept = Array(buffer[consumed...]) }
        parser.dropped(consumed)
        return events
      case .event(let event):
        if event.hasID { lastID = Array(buffer[event.id.range]) }
        if event.hasRetry { retryMilliseconds = event.retryMilliseconds }
        guard event.dataLines > 0 else { continue }
        let capacity = max(1, Int(event.block.count))
        let data = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { memory, count in
          var writer = unsafe ByteWriter(
            unsafeInto: memory.baseAddress!, capacity: capacity)
          SSEParser.joinData(of: event, in: span, into: &writer)
          count = writer.count
        }
        if !data.isEmpty { events.append(Event(name: event.name, data: data)) }
      }
    }
  }
}
