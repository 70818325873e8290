internal import Wire

/// Which arguments of which tools are to be repeated in the head of a call (`x-mcp-header` in a tool's schema, mcp-wire 3.4), as
/// far as a worker has seen servers' lists of tools.
///
/// One per worker, in memory of a fixed size. When it is full it begins anew: what is not known here is judged without the
/// schema, and by the server.
///
/// Example: after a list with `{"name":"t","inputSchema":{"properties":{"where":{"properties":{"region":{"type":"string",
/// "x-mcp-header":"Region"}}}}}}` a call of `t` with `{"where":{"region":"eu"}}` must have `Mcp-Param-Region: eu`.
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

  private var entries = FixedTable<512, Entry>()
  private var texts = FixedTable<65536, UInt8>()
  /// Servers (by their number, modulo 64) that have entries.
  private var servers: UInt64 = 0
  /// What the list that was learnt last hashes to, by the same number.
  private var lists = InlineArray<64, UInt64>(repeating: 0)

  var count: Int { entries.count }

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
    entries.removeAll()
    texts.removeAll()
    servers = 0
    lists = InlineArray(repeating: 0)
  }

  /// The tool's own entry; those of its arguments follow it.
  func find(_ server: UInt32, _ tool: RawSpan) -> Int? {
    for number in 0..<count {
      let entry = entries[number]
      if entry.server == server, entry.field.isEmpty, equalBytes(text(entry.tool), tool) {
        return number
      }
    }
    return nil
  }

  subscript(_ number: Int) -> Entry { entries[number] }

  /// Valid until something is added.
  @_lifetime(borrow self)
  func text(_ range: ByteRange) -> RawSpan { texts.text(range) }

  /// Takes a tool's entries out; nothing else is known of it then.
  mutating func forget(_ server: UInt32, _ tool: RawSpan) {
    guard let first = find(server, tool) else { return }
    // The list has to be learnt again when it comes.
    lists[Int(server & 63)] = 0
    var end = first + 1
    while end < count, !entries[end].field.isEmpty { end += 1 }
    entries.removeSubrange(first..<end)
  }

  /// Adds an entry. False when there is no room: then everything is forgotten.
  mutating func add(_ entry: Entry) -> Bool {
    guard entries.append(entry) else {
      forgetAll()
      return false
    }
    servers |= 1 << UInt64(entry.server & 63)
    return true
  }

  /// Keeps a text that `write` appends; nil when there is no room: then everything is forgotten.
  mutating func keep(_ write: (inout ByteWriter) -> Void) -> ByteRange? {
    guard let range = texts.append(write) else {
      forgetAll()
      return nil
    }
    return range
  }
}
