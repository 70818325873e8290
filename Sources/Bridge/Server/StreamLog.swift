/// What was said on the streams of one session, for an agent that takes one up that broke off (revisions 2025-03-26 to 2025-11-25,
/// Streamable HTTP, "Resumability and redelivery").
///
/// Every event has an id, which is the number of its stream and its place on it: `17-3`. Only what has come after that on the
/// same stream is said again, and only when all of it is still there.
struct StreamLog {
  private struct Stream {
    /// The place of its next event.
    var next = 0
    var isOver = false
  }

  struct Entry {
    var stream: Int
    var place: Int
    var message: [UInt8]
    var id: String { "\(stream)-\(place)" }
  }

  private var streams: [Int: Stream] = [:]
  /// Oldest first.
  private var entries: [Entry] = []
  private(set) var bytes = 0
  private let bytesMax: Int
  private let eventsMax: Int

  init(bytesMax: Int, eventsMax: Int) {
    self.bytesMax = bytesMax
    self.eventsMax = eventsMax
  }

  /// Whether the stream has said anything and may say more.
  func isOpen(_ stream: Int) -> Bool { streams[stream]?.isOver == false }

  /// Keeps an event, in place of older ones where that is needed, and returns its id. One that finds no room is not kept: then
  /// its stream cannot be taken up before it.
  /// - Parameter room: bytes that may be kept on top of what is.
  mutating func add(_ message: [UInt8], to stream: Int, room: Int) -> String {
    var entry = Entry(stream: stream, place: 0, message: message)
    entry.place = streams[stream]?.next ?? 0
    streams[stream, default: Stream()].next += 1
    let start = bytes
    while !entries.isEmpty,
      entries.count >= eventsMax || bytes + message.count > min(bytesMax, start + room)
    {
      forgetOldest()
    }
    if bytes + message.count <= min(bytesMax, start + room) {
      entries.append(entry)
      bytes += message.count
    }
    return entry.id
  }

  /// Nothing more is said on a stream.
  mutating func end(_ stream: Int) {
    streams[stream]?.isOver = true
    forgetIfUseless(stream)
  }

  private mutating func forgetOldest() {
    let oldest = entries.removeFirst()
    bytes -= oldest.message.count
    forgetIfUseless(oldest.stream)
  }

  private mutating func forgetIfUseless(_ stream: Int) {
    if streams[stream]?.isOver == true, !entries.contains(where: { $0.stream == stream }) {
      streams[stream] = nil
    }
  }

  /// The stream that an event is of, and all that was said on it since; nil when that is not known any more, or never was.
  func since(_ id: String) -> (stream: Int, missed: [Entry])? {
    let parts = id.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = Int(parts[0]), let seen = Int(parts[1]),
      let stream = streams[number], (0..<stream.next).contains(seen)
    else { return nil }
    let missed = entries.filter { $0.stream == number && $0.place > seen }
    guard missed.count == stream.next - seen - 1 else { return nil }
    return (number, missed)
  }
}
