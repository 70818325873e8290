internal import EventLoop
internal import Glibc
internal import Policy
internal import Wire

/// Which arguments of which tools are to be repeated in the head of a call (`x-mcp-header` in a tool's schema, mcp-wire 3.4), as
/// far as a worker has seen servers' lists of tools.
///
/// One per worker, in memory of a fixed size that is taken when a server first declares such a thing. When it is full it begins
/// anew: what is not known here is judged without the schema, and by the server.
///
/// Example: after a list with `{"name":"t","inputSchema":{"properties":{"where":{"properties":{"region":{"type":"string",
/// "x-mcp-header":"Region"}}}}}}` a call of `t` with `{"where":{"region":"eu"}}` must have `Mcp-Param-Region: eu`.
@safe
struct ParameterSchemas: ~Copyable {
  /// A tool, or one of the arguments that it wants repeated; texts are stretches of `texts`.
  struct Entry: BitwiseCopyable {
    var server: UInt32
    var tool: ByteRange
    /// The rest of the field's name, behind `Mcp-Param-`; empty for the tool itself.
    var field = ByteRange.empty
    /// The names that lead to the argument, each behind its length (2 bytes).
    var path = ByteRange.empty
  }

  static var entriesMax: Int { 512 }
  static var textBytesMax: Int { 64 << 10 }

  private var entries: UnsafeMutablePointer<Entry>? = nil
  private var texts: UnsafeMutablePointer<UInt8>? = nil
  private(set) var count = 0
  private var textCount = 0
  /// Servers (by their number, modulo 64) that have entries.
  private var servers: UInt64 = 0
  /// What the list that was learnt last hashes to, by the same number.
  private var lists = InlineArray<64, UInt64>(repeating: 0)

  deinit {
    unsafe entries?.deallocate()
    unsafe texts?.deallocate()
  }

  /// Whether anything is known of a server's tools. A word's test: asked for every modern call.
  @inline(__always)
  func knows(_ server: UInt32) -> Bool { servers >> UInt64(server & 63) & 1 != 0 }

  /// Whether the list was the last one of its server; it is from now on.
  mutating func isSame(_ list: UInt64, _ server: UInt32) -> Bool {
    let place = Int(server & 63)
    if lists[place] == list { return true }
    lists[place] = list
    return false
  }

  mutating func forgetAll() {
    count = 0
    textCount = 0
    servers = 0
    lists = InlineArray(repeating: 0)
  }

  /// The tool's own entry; those of its arguments follow it.
  func find(_ server: UInt32, _ tool: RawSpan) -> Int? {
    for number in 0..<count {
      let entry = unsafe entries![number]
      if entry.server == server, entry.field.isEmpty, equalBytes(text(entry.tool), tool) {
        return number
      }
    }
    return nil
  }

  subscript(_ number: Int) -> Entry {
    precondition(number < count)
    return unsafe entries![number]
  }

  /// Valid until something is added.
  @_lifetime(borrow self)
  func text(_ range: ByteRange) -> RawSpan {
    guard let texts = unsafe texts, !range.isEmpty else { return RawSpan() }
    let span = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(texts) + Int(range.offset), byteCount: Int(range.count))
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// Takes a tool's entries out; nothing else is known of it then.
  mutating func forget(_ server: UInt32, _ tool: RawSpan) {
    guard let first = find(server, tool) else { return }
    // The list has to be learnt again when it comes.
    lists[Int(server & 63)] = 0
    var end = first + 1
    while end < count, unsafe !entries![end].field.isEmpty { end += 1 }
    for number in end..<count { unsafe entries![number - (end - first)] = unsafe entries![number] }
    count -= end - first
  }

  /// Adds an entry. False when there is no room: then everything is forgotten.
  mutating func add(_ entry: Entry) -> Bool {
    guard count < Self.entriesMax else {
      forgetAll()
      return false
    }
    if unsafe entries == nil { unsafe entries = .allocate(capacity: Self.entriesMax) }
    unsafe (entries! + count).initialize(to: entry)
    count += 1
    servers |= 1 << UInt64(entry.server & 63)
    return true
  }

  /// Keeps a text that `write` appends; nil when there is no room.
  mutating func keep(_ write: (inout ByteWriter) -> Void) -> ByteRange? {
    if unsafe texts == nil { unsafe texts = .allocate(capacity: Self.textBytesMax) }
    var writer = unsafe ByteWriter(
      unsafeInto: UnsafeMutableRawPointer(texts! + textCount),
      capacity: Self.textBytesMax - textCount)
    write(&writer)
    guard !writer.overflowed else {
      forgetAll()
      return nil
    }
    let range = ByteRange(offset: UInt32(textCount), count: UInt32(writer.count))
    textCount += writer.count
    return range
  }
}
