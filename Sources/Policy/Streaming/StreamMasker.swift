import Wire

/// Masks one message that is too long to be held: takes it in pieces, cut anywhere, and gives out the masked message as far
/// as it can be told, in memory that does not depend on the message's length.
///
/// What comes out is, byte for byte, what `Masker` makes of the whole message (less blanks behind it), and nothing that a rule covers comes out
/// before it is replaced. The message is read as strictly: valid UTF-8 and JSON, no key twice in an object, bounded depth. A
/// violation can show when part of the message has left; then the message must be cut, so that nobody takes it for complete.
///
///     {"result":{"structuredContent":{"rows":[{"ssn":"123-4|5-6789","n":1},…      | the end of a piece
///      given out at once ───────────────────────────┘ then "[redacted]", and the rest of the value is passed over
///
/// Where data comes in rows, those that are complete in a piece are read and masked many at a time; what remains, byte by byte.
///
/// Some things cannot be told before a value ends. They are decided so that nothing can leak:
/// - A text (a string that may hold JSON) up to 64 KiB is kept until it ends and masked as `Masker` would. A longer one that
///   begins like JSON is read and masked as it comes, whatever its length; it is spelled anew, with no more escapes than JSON
///   demands. Where it turns out to be no strict JSON, the rest of it is withheld: `Masker.notice` stands in its place.
/// - A text that is no JSON is kept up to `StreamLimits.textBytesMax`. A longer one goes on while it has had no quote or
///   apostrophe, without which no field can be named in it; at the first one the rest of it is withheld.
/// - Base64 longer than that is withheld, since it might hold JSON.
/// - A value of which a part would stay readable is redacted when it is that long.
/// - Lists, schemas, states and requests of a server's need the whole message: they are refused.
///
/// Not for the normal path: makes its own memory when it begins. `feed` allocates when a buffer grows.
public final class StreamMasker {
  public let limits: StreamLimits
  let program: MaskProgram
  let active: MaskRuleSet
  /// Whether any rule applies: if not, the message is read and passed on.
  let masks: Bool
  /// Fields whose path has more than one name.
  let paths: [Int]
  let levels: [StreamLevel]
  let output = StreamBuffer(capacity: 64 << 10)
  /// Where one masked text is written.
  let written = StreamBuffer(capacity: 4096)
  let keyDocument = StreamBuffer()
  /// Members that are taken at a time, with a bracket before them.
  let members = StreamBuffer()
  private let seed: UInt64

  /// Values replaced so far.
  public internal(set) var maskedValues = 0
  public internal(set) var kind = StreamedKind.unknown
  /// Whether the result says that the tool failed.
  public internal(set) var isToolError = false
  /// `error.code`, once it was met.
  public internal(set) var errorCode: Int64 = 0
  let idLiteral = StreamBuffer()
  var hasVersion = false
  var violation: StreamViolation?

  public init(program: MaskProgram, active: MaskRuleSet, limits: StreamLimits = StreamLimits()) {
    self.limits = limits
    self.program = program
    self.active = active
    masks = program.rules.intersects(active)
    paths = unsafe (0..<program.tables.fields.count).filter {
      unsafe program.tables.fields[$0].pathCount > 0
    }
    // One more, for what is escaped into the innermost.
    levels = (0...Masker.nestingMax + 1).map { StreamLevel(number: $0) }
    seed = UInt64.random(in: 0...UInt64.max)
    for level in levels { resetReach(level, from: nil) }
  }

  /// The message's id, literally; empty until it was met. Valid until more is fed.
  public var id: RawSpan {
    @_lifetime(immortal)
    get { idLiteral.bytes }
  }

  /// What can be given out now. Valid until more is fed.
  public var ready: RawSpan {
    @_lifetime(immortal)
    get { output.bytes }
  }

  /// Bytes that are kept, or could be without making room: what the bounds hold down.
  package var keptBytes: Int {
    var total = output.capacity + written.capacity + members.capacity
    for level in levels {
      total += level.held.capacity + level.decoded.capacity + level.escaped.capacity
      total += level.name.capacity + 8 * level.keys.capacity + 4 * level.reach.capacity
    }
    return total
  }

  /// Forgets what was given out.
  public func take() { output.removeAll() }

  /// Reads on.
  /// - Parameter masker: lends its memory for texts; nothing is left in it.
  /// - Returns: what is wrong with the message, from now on always.
  public func feed(_ bytes: RawSpan, with masker: inout Masker) -> StreamViolation? {
    if let violation { return violation }
    unsafe masker.prepare(program.tables, active)
    var rest = bytes
    while rest.byteCount > 0 {
      let piece = rest.extracting(first: min(StreamLimits.pieceBytesMax, rest.byteCount))
      if let found = read(piece, levels[0], &masker) {
        violation = found
        return found
      }
      rest = rest.extracting(droppingFirst: piece.byteCount)
    }
    return nil
  }

  /// The message has ended: whether it is complete. Gives out its last brace, which has been kept until now, so that what was
  /// given out before cannot be taken for a message.
  public func finish() -> StreamViolation? {
    if let violation { return violation }
    guard levels[0].expect == .nothing else {
      violation = .json(.unexpectedEnd)
      return violation
    }
    guard hasVersion, kind != .unknown, !idLiteral.isEmpty else {
      violation = .envelope
      return violation
    }
    output.append("}")
    return nil
  }

  // MARK: Giving out

  /// Gives out bytes of the document of a level: into the string that it comes from, and so on outwards.
  func emit(_ bytes: RawSpan, _ level: StreamLevel) {
    guard bytes.byteCount > 0 else { return }
    guard level.number > 0 else { return output.append(bytes) }
    level.escaped.removeAll()
    level.escaped.append(escaped: bytes)
    emit(level.escaped.bytes, levels[level.number - 1])
  }

  func emit(_ text: StaticString, _ level: StreamLevel) {
    let span = unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    emit(span, level)
  }

  // MARK: Keys

  /// Hash of a key's bytes that nobody outside can prepare collisions for. Two keys with the same one count as the same.
  func hash(_ key: RawSpan) -> UInt64 {
    var state = seed ^ UInt64(truncatingIfNeeded: key.byteCount)
    var at = 0
    func mix(_ word: UInt64) {
      let product = (state ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
      state = (product.high ^ product.low) &+ seed
    }
    while at &+ 8 <= key.byteCount {
      unsafe mix(key.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
      at &+= 8
    }
    var last: UInt64 = 0
    while at < key.byteCount {
      last = last &<< 8 | UInt64(key.at(at))
      at &+= 1
    }
    mix(last)
    mix(seed)
    return state
  }
}
