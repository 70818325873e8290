internal import EventLoop
internal import Wire

/// Whom a listener speaks to: what requests may name as their host, and which web pages may call.
public struct ListenerAccess: Sendable {
  /// Hosts with or without a port, in lower case; one without stands for every port. Nil for any host.
  public var hosts: [String]?
  /// Origins as browsers send them, of at most 128 bytes: they are repeated in answers.
  public var origins: [String]

  public init(hosts: [String]? = nil, origins: [String] = []) {
    self.hosts = hosts
    self.origins = origins
  }
}

/// The same for workers: texts of all listeners in one row, found without allocating.
@safe
struct AccessTable: BitwiseCopyable, @unchecked Sendable {
  private struct Entry: BitwiseCopyable {
    /// Where in `texts` its hosts begin, where its origins do, and where they end.
    var firstHost: Int
    var firstOrigin: Int
    var end: Int
    var allowsAnyHost: Bool
  }

  private let entries: UnsafeMutablePointer<Entry>
  private let count: Int
  private let texts: UnsafeMutablePointer<ByteRange>

  /// The memory is the maker's to free.
  static func make(
    _ listeners: [ListenerAccess], into builder: inout TextArena.Builder
  ) -> AccessTable {
    var ranges: [ByteRange] = []
    var entries: [Entry] = []
    for listener in listeners {
      let first = ranges.count
      ranges += (listener.hosts ?? []).map { builder.add($0) }
      let middle = ranges.count
      ranges += listener.origins.map {
        precondition($0.utf8.count <= originBytesMax)
        return builder.add($0)
      }
      entries.append(
        Entry(
          firstHost: first, firstOrigin: middle, end: ranges.count,
          allowsAnyHost: listener.hosts == nil))
    }
    let entryMemory = UnsafeMutablePointer<Entry>.allocate(capacity: max(1, entries.count))
    unsafe entryMemory.initialize(from: entries, count: entries.count)
    let textMemory = UnsafeMutablePointer<ByteRange>.allocate(capacity: max(1, ranges.count))
    unsafe textMemory.initialize(from: ranges, count: ranges.count)
    return unsafe AccessTable(entries: entryMemory, count: entries.count, texts: textMemory)
  }

  static var originBytesMax: Int { 128 }

  private init(
    entries: UnsafeMutablePointer<Entry>, count: Int, texts: UnsafeMutablePointer<ByteRange>
  ) {
    unsafe self.entries = entries
    self.count = count
    unsafe self.texts = texts
  }

  func free() {
    unsafe entries.deallocate()
    unsafe texts.deallocate()
  }

  /// Whether a request at a listener may name this host, which is empty when it names none (HTTP/1.0).
  func allows(host: RawSpan, at listener: Int, texts arena: Texts) -> Bool {
    guard listener < count else { return true }
    let entry = unsafe entries[listener]
    if entry.allowsAnyHost { return true }
    for number in entry.firstHost..<entry.firstOrigin
    where unsafe AccessTable.isHost(host, arena[texts[number]]) {
      return true
    }
    return false
  }

  /// The place of the origin among all that are listed; nil when it is not at this listener.
  func origin(_ origin: RawSpan, at listener: Int, texts arena: Texts) -> Int? {
    guard listener < count else { return nil }
    let entry = unsafe entries[listener]
    for number in entry.firstOrigin..<entry.end
    where unsafe equalBytes(arena[texts[number]], origin) {
      return number
    }
    return nil
  }

  @_lifetime(immortal)
  func text(_ origin: Int, texts arena: Texts) -> RawSpan { unsafe arena[texts[origin]] }

  /// Whether the host is the allowed one, whatever the case of its letters; a port behind it does not matter unless one is
  /// allowed only.
  private static func isHost(_ host: RawSpan, _ allowed: RawSpan) -> Bool {
    let count = allowed.byteCount
    guard host.byteCount >= count else { return false }
    for offset in 0..<count {
      let byte = unsafe host.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      let lower = byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
      guard unsafe lower == allowed.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      else { return false }
    }
    guard host.byteCount > count else { return true }
    // Only a port may follow, where the allowed host has none.
    guard unsafe host.unsafeLoad(fromUncheckedByteOffset: count, as: UInt8.self) == 0x3A else {
      return false
    }
    for offset in count &+ 1..<host.byteCount {
      let byte = unsafe host.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      guard byte &- 0x30 < 10 else { return false }
    }
    return true
  }
}
