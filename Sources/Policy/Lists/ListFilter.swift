public import Wire

/// What became of a list of tools, prompts, resources or templates.
public enum ListOutcome: Equatable, Sendable {
  /// Nothing had to go: nothing was written, the bytes can be forwarded as they are.
  case untouched
  /// The document was written without `removed` members; `kept` are left.
  case filtered(kept: Int, removed: Int)
  /// The list cannot be shown; what was written is to be thrown away, and the caller answers an error.
  case failed(ListFailure)
}

/// Why a list could not be filtered.
public enum ListFailure: UInt8, BitwiseCopyable, Sendable, CustomStringConvertible {
  /// The result has no such array, or a member whose name only folds to its.
  case noList
  /// The filtered document does not fit the writer.
  case noRoom

  public var description: String {
    switch self {
    case .noList: "the result holds no list of what was asked for"
    case .noRoom: "the list is too large"
    }
  }
}

/// The answers that list what a server offers.
public enum ListKind: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case tools, prompts, resources, resourceTemplates

  /// The member of the result that holds the list.
  var key: StaticString {
    switch self {
    case .tools: "tools"
    case .prompts: "prompts"
    case .resources: "resources"
    case .resourceTemplates: "resourceTemplates"
    }
  }

  /// The member of a list's element that names it.
  var identity: StaticString {
    switch self {
    case .tools, .prompts: "name"
    case .resources: "uri"
    case .resourceTemplates: "uriTemplate"
    }
  }

  /// Both with their letters in lower case.
  var foldedKey: StaticString {
    self == .resourceTemplates ? "resourcetemplates" : key
  }
  var foldedIdentity: StaticString {
    self == .resourceTemplates ? "uritemplate" : identity
  }

  var primitive: Primitive {
    switch self {
    case .tools: .tool
    case .prompts: .prompt
    case .resources, .resourceTemplates: .resource
    }
  }
}

/// Takes out of a list what the principal may not use.
///
/// What stays is copied byte for byte; only the commas between the members are written afresh.
///
///     {"result":{"tools":[ {"name":"a"}, {"name":"b"}, {"name":"c"} ],"nextCursor":"7"}}     b is not allowed
///     {"result":{"tools":[{"name":"a"},{"name":"c"}],"nextCursor":"7"}}
public enum ListFilter {
  /// What a message lists, by what its result holds: for an answer to a request that nobody knows any more. nil when it
  /// lists nothing; `isOnly` is false when it lists several things at once.
  public static func kinds(
    in bytes: RawSpan, index: borrowing JSONIndex
  ) -> (first: ListKind, isOnly: Bool)? {
    guard index.kind(of: index.root, in: bytes) == .object,
      let result = index.member("result", of: index.root, in: bytes),
      index.kind(of: result, in: bytes) == .object
    else { return nil }
    var first: ListKind?
    var key = index.firstMember(of: result, in: bytes)
    while let here = key {
      for kind in ListKind.allCases
      where index.equals(here, kind.key, in: bytes)
        || folds(here, to: kind.key, kind.foldedKey, index, bytes)
      {
        if let first { return (first, false) }
        first = kind
      }
      key = index.nextMember(after: here, in: bytes)
    }
    return first.map { ($0, true) }
  }

  /// Filters one JSON-RPC message.
  ///
  /// A message without `result` (an error, a notification) lists nothing and is untouched. A member whose name is
  /// missing, no string, or shadowed by one that only folds to `name` is dropped: nobody can say whether
  /// the principal may use it.
  ///
  /// - Parameters:
  ///   - bytes: the message that `index` was read from.
  ///   - writer: where the new document goes; needs room for four bytes more than `bytes` has.
  public static func filter(
    _ bytes: RawSpan, of kind: ListKind, index: borrowing JSONIndex, program: PolicyProgram,
    principal: borrowing Principal, server: ServerID, scratch: inout PolicyScratch,
    into writer: inout ByteWriter
  ) -> ListOutcome {
    guard index.kind(of: index.root, in: bytes) == .object,
      let result = index.member("result", of: index.root, in: bytes)
    else { return .untouched }
    guard let list = soleMember(kind.key, kind.foldedKey, of: result, index, bytes) else {
      return .failed(.noList)
    }
    switch index.kind(of: list, in: bytes) {
    case .array: break
    // Nothing at all, which the client complains about.
    case .null: return .untouched
    // What nobody has judged does not pass: nothing stands in its place.
    case .true, .false, .number, .string:
      let range = index.range(of: list).range
      writer.append(bytes.extracting(0..<range.lowerBound))
      writer.append("null")
      writer.append(bytes.extracting(range.upperBound..<bytes.byteCount))
      return writer.overflowed ? .failed(.noRoom) : .filtered(kept: 0, removed: 1)
    case .object: return .failed(.noList)
    }

    var pass = Pass(listStart: Int(index.range(of: list).offset) &+ 1)
    var next = index.firstElement(of: list, in: bytes)
    while let member = next {
      let isKept = mayList(member, kind, index, bytes, program, principal, server, &scratch)
      pass.take(index.range(of: member), isKept: isKept, bytes, &writer)
      next = index.nextElement(after: member, in: bytes)
    }
    guard pass.removed > 0 else { return .untouched }
    let listEnd = Int(index.range(of: list).end) &- 1
    writer.append(bytes.extracting(listEnd..<bytes.byteCount))
    return writer.overflowed
      ? .failed(.noRoom) : .filtered(kept: pass.kept, removed: pass.removed)
  }

  /// One walk over the list. Nothing is written before the first that has to go.
  private struct Pass {
    let listStart: Int
    var kept = 0
    var removed = 0
    /// Where the last of those kept so far ends in the source.
    var keptEnd = 0

    init(listStart: Int) {
      self.listStart = listStart
    }

    mutating func take(
      _ member: ByteRange, isKept: Bool, _ bytes: RawSpan, _ writer: inout ByteWriter
    ) {
      guard isKept else {
        // All before the first that goes is copied in one piece, with the blanks and commas it has.
        if removed == 0 {
          writer.append(bytes.extracting(0..<(kept == 0 ? listStart : keptEnd)))
        }
        removed &+= 1
        return
      }
      if removed > 0 {
        if kept > 0 { writer.append(UInt8(ascii: ",")) }
        writer.append(bytes, member)
      }
      kept &+= 1
      keptEnd = Int(member.end)
    }
  }

  private static func mayList(
    _ member: JSONToken, _ kind: ListKind, _ index: borrowing JSONIndex, _ bytes: RawSpan,
    _ program: PolicyProgram, _ principal: borrowing Principal, _ server: ServerID,
    _ scratch: inout PolicyScratch
  ) -> Bool {
    guard
      let name = soleMember(kind.identity, kind.foldedIdentity, of: member, index, bytes),
      index.kind(of: name, in: bytes) == .string
    else { return false }
    guard index.hasEscapes(name, in: bytes) else {
      let text = bytes.extracting(index.contents(of: name).range)
      return program.mayList(
        kind.primitive, text, principal: principal, server: server, scratch: &scratch)
    }
    var buffer = scratch.nameBuffer()
    index.decode(name, in: bytes, into: &buffer)
    guard !buffer.overflowed else { return false }
    return program.mayList(
      kind.primitive, buffer.written, principal: principal, server: server, scratch: &scratch)
  }

  /// The member called `name`, an ASCII word, unless another's name folds to it, which is `folded`.
  private static func soleMember(
    _ name: StaticString, _ folded: StaticString, of object: JSONToken,
    _ index: borrowing JSONIndex, _ bytes: RawSpan
  ) -> JSONToken? {
    guard index.kind(of: object, in: bytes) == .object else { return nil }
    var found: JSONToken?
    var next = index.firstMember(of: object, in: bytes)
    while let key = next {
      if index.equals(key, name, in: bytes) {
        found = index.value(ofKey: key)
      } else if folds(key, to: name, folded, index, bytes) {
        return nil
      }
      next = index.nextMember(after: key, in: bytes)
    }
    return found
  }

  private static func folds(
    _ key: JSONToken, to name: StaticString, _ folded: StaticString,
    _ index: borrowing JSONIndex, _ bytes: RawSpan
  ) -> Bool {
    let exact = unsafe RawSpan(
      _unsafeStart: name.utf8Start, byteCount: name.utf8CodeUnitCount)
    let word = unsafe RawSpan(
      _unsafeStart: folded.utf8Start, byteCount: folded.utf8CodeUnitCount)
    // A hundred bytes for the key, and as many for it folded: one that is longer and not plain ASCII counts as folding,
    // which fails closed.
    return unsafe withUnsafeTemporaryAllocation(byteCount: 200, alignment: 1) { memory in
      guard let base = memory.baseAddress else { return true }
      var buffer = unsafe ByteWriter(unsafeInto: base + 100, capacity: 100)
      guard index.hasEscapes(key, in: bytes) else {
        let raw = bytes.extracting(index.contents(of: key).range)
        return NameFold.differsOnlyByFolding(raw, exact: exact, folded: word, buffer: &buffer)
          ?? true
      }
      var decoded = unsafe ByteWriter(unsafeInto: base, capacity: 100)
      index.decode(key, in: bytes, into: &decoded)
      return decoded.overflowed
        || NameFold.differsOnlyByFolding(
          decoded.written, exact: exact, folded: word, buffer: &buffer) ?? true
    }
  }
}
