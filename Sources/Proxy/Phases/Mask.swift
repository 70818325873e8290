internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Phase mask: one message from the server is read, matched to its request, masked or filtered, and written out.
extension Worker {
  /// The server's whole body is here. What it says decides the answer; the connection is then free.
  mutating func answerIsWhole(_ slot: UInt32, _ body: RawSpan) {
    let exchange = upstreams[slot].exchange
    guard exchange != .max else { return closeUpstream(slot) }
    exchanges[exchange].serverBytes = UInt64(body.byteCount)
    let head = upstreams[slot].head
    if exchanges[exchange].isNotification || exchanges[exchange].head.method != .post {
      acknowledge(exchange, head.status, head.contentKind == .json ? body : RawSpan())
    } else if head.status == 404 && exchanges[exchange].sessionCount > 0 {
      // The session has ended at the server. What its body says and which id it names differs from server to
      // server; that the client must begin a new session is told by the status (mcp-wire 2).
      acknowledge(exchange, head.status, head.contentKind == .json ? body : RawSpan())
    } else if head.contentKind == .json && body.byteCount > 0 {
      giveMessage(exchange, body, status: head.status)
    } else if head.status >= 400 {
      fail(exchange, .server, "The server refused the request with an HTTP error.")
    } else {
      fail(exchange, .server, "The server answered with something that is no JSON-RPC message.")
    }
    // A failure has closed the connection already.
    if upstreams[slot].state == .busy { releaseUpstream(slot) }
  }

  /// What a message from the server is to one exchange.
  enum AnswerMatch {
    case answer(isError: Bool)
    case notification(MCPMethod)
    /// A request of the server's own.
    case request(MCPMethod)
    /// An answer to something else.
    case other
    case unreadable
    /// The answer asks the agent for something that the server may not ask for.
    case asksTooMuch
  }

  /// Reads a message into `answerIndex` and says what it is.
  mutating func readAnswer(_ exchange: UInt32, _ body: RawSpan) -> AnswerMatch {
    guard readAnswerIndex(exchange, body) else { return .unreadable }
    guard
      case .message(let message) = MCPReader.read(
        body, index: answerIndex, from: .server)
    else {
      return .unreadable
    }
    switch message.kind {
    case .notification: return .notification(message.method)
    case .request: return .request(message.method)
    case .response, .error:
      let id = body.extracting(message.id.range)
      // A session's own stream has no request, and an error may have no id.
      guard id.byteCount > 0,
        exchanges[exchange].id.span.elementsEqual(id) || replaysAnything(exchange)
      else { return .other }
      if asksTooMuch(exchange, message, body) { return .asksTooMuch }
      if namesUnknownTask(exchange, body) { return .other }
      noteOutcome(exchange, message, body)
      noteChanges(exchange, body)
      return .answer(isError: message.kind == .error)
    }
  }

  /// Reads a message into `answerIndex`, watching for what is masked. False when it is no strict JSON.
  mutating func readAnswerIndex(_ exchange: UInt32, _ body: RawSpan) -> Bool {
    let masks = exchanges[exchange].masks
    let watch =
      masks.isEmpty
      ? JSONWatch.none : generations[exchanges[exchange].generation].masks.use { $0.watch }
    exchanges[exchange].changes = .none
    return answerIndex.read(body, watch: watch) == nil
  }

  /// Which of the layers the answer failed at, if at any: JSON-RPC, or the tool itself.
  private mutating func noteOutcome(_ exchange: UInt32, _ message: MCPMessage, _ body: RawSpan) {
    if let error = message.error {
      let code = answerIndex.member("code", of: error, in: body).flatMap { token in
        answerIndex.kind(of: token, in: body) == .number
          ? answerIndex.integer(token, in: body) : nil
      }
      exchanges[exchange].outcome = outcome(
        exchange, .protocolError, side: .server, errorCode: Int32(clamping: code ?? 0))
      return
    }
    noteVersion(exchange, message, body)
    var result = RecordedResult.success
    if exchanges[exchange].method == .toolsCall, let value = message.result,
      answerIndex.kind(of: value, in: body) == .object,
      let flag = answerIndex.member("isError", of: value, in: body),
      answerIndex.kind(of: flag, in: body) == .true
    {
      result = .toolError
    }
    exchanges[exchange].outcome = outcome(
      exchange, result, side: result == .success ? .none : .server)
  }

  /// Remembers which version `initialize` agreed on: the session is bound to it.
  private mutating func noteVersion(_ exchange: UInt32, _ message: MCPMessage, _ body: RawSpan) {
    guard exchanges[exchange].method == .initialize, let result = message.result,
      answerIndex.kind(of: result, in: body) == .object,
      let token = answerIndex.member("protocolVersion", of: result, in: body),
      answerIndex.kind(of: token, in: body) == .string,
      let version = ProtocolVersion(body.extracting(answerIndex.contents(of: token).range))
    else { return }
    exchanges[exchange].agreedVersion = version
  }

  /// Gives the agent one message as the whole answer.
  mutating func giveMessage(_ exchange: UInt32, _ body: RawSpan, status: UInt16) {
    exchanges[exchange].phase = .mask
    switch readAnswer(exchange, body) {
    case .answer: break
    case .unreadable:
      return fail(exchange, .server, "The server's answer is not one strict JSON-RPC message.")
    case .asksTooMuch:
      return fail(exchange, .server, "The server asks the agent for what it may not ask for.")
    // Servers that refuse a request unread name no id, or one of their own. Clients find out by the status which
    // revisions a server speaks.
    case .other where status == 400 || status == 404:
      return acknowledge(exchange, status, body)
    case .notification, .request, .other:
      return fail(exchange, .server, "The server's answer belongs to another request.")
    }
    if exchanges[exchange].answerKind == .stream { return giveLastEvent(exchange, body) }
    guard writeMessage(exchange, body, prefix: 0, suffix: 0) else { return }
    // Clients of both eras read JSON-RPC errors under 200; 400 and 404 mean something to them, others do not.
    exchanges[exchange].status = status == 400 || status == 404 ? status : 200
    exchanges[exchange].answerKind = .whole
    exchanges[exchange].outcome.status = exchanges[exchange].status
    exchanges[exchange].outcome.maskedValues = exchanges[exchange].maskedValues
    exchanges[exchange].outcome.hiddenEntries = exchanges[exchange].hiddenEntries
    guard exchanges[exchange].method == .initialize, !exchanges[exchange].serverSession.isEmpty
    else { return completeAnswer(exchange) }
    openSession(exchange)
  }

  /// The same where comments have been sent while the call was held: the answer is the stream's one message.
  private mutating func giveLastEvent(_ exchange: UInt32, _ body: RawSpan) {
    guard streamMessage(exchange, body, eventBytes: 0) else { return }
    exchanges[exchange].isAnswerComplete = true
    exchanges[exchange].outcome.status = 200
    exchanges[exchange].outcome.maskedValues = exchanges[exchange].maskedValues
    exchanges[exchange].outcome.hiddenEntries = exchanges[exchange].hiddenEntries
    advanceAnswer(exchange)
  }

  /// Writes the message that `answerIndex` has read, masked and filtered, into the answer's block, with room left
  /// before and behind. False after a failure.
  mutating func writeMessage(
    _ exchange: UInt32, _ body: RawSpan, prefix: Int, suffix: Int
  ) -> Bool {
    if exchanges[exchange].changes.rawValue != 0 {
      return writeChanged(exchange, body, prefix: prefix, suffix: suffix)
    }
    let room = Masker.room(bytes: body.byteCount, index: answerIndex) &+ prefix &+ suffix
    guard makeAnswerRoom(exchange, room) else {
      fail(exchange, .gateway, "The gateway has no memory for this answer now.")
      return false
    }
    let block = exchanges[exchange].answer
    let start = exchanges[exchange].answerEnd &+ prefix
    var writer = unsafe ByteWriter(
      unsafeInto: block.unsafeStart + start,
      capacity: block.capacity - start - suffix - Worker.answerTail)
    guard transform(exchange, body, into: &writer) else { return false }
    exchanges[exchange].answerEnd = start &+ writer.count
    return true
  }

  /// The masks and filters of one message. False after a failure.
  private mutating func transform(
    _ exchange: UInt32, _ body: RawSpan, into writer: inout ByteWriter
  ) -> Bool {
    // Only the list itself is filtered; errors and notifications on the way to it carry data like any other message's.
    if let kind = exchanges[exchange].method.list,
      answerIndex.member("result", of: answerIndex.root, in: body) != nil
    {
      if kind == .tools, exchanges[exchange].era == .modern { learnParameters(exchange, body) }
      return transformList(exchange, kind, body, into: &writer)
    }
    if replaysAnything(exchange) { return transformReplayed(exchange, body, into: &writer) }
    return mask(exchange, body, into: &writer)
  }

  /// The same where the request is not known: by what the answer holds.
  private mutating func transformReplayed(
    _ exchange: UInt32, _ body: RawSpan, into writer: inout ByteWriter
  ) -> Bool {
    guard let kinds = ListFilter.kinds(in: body, index: answerIndex) else {
      return mask(exchange, body, into: &writer)
    }
    if kinds.isOnly { return transformList(exchange, kinds.first, body, into: &writer) }
    fail(exchange, .server, "The server's list cannot be read.")
    return false
  }

  /// A list without what the principal may not use, and then masked.
  private mutating func transformList(
    _ exchange: UInt32, _ kind: ListKind, _ body: RawSpan, into writer: inout ByteWriter
  ) -> Bool {
    let principal = principal(of: exchange)
    let server = route(of: exchange).server
    let generation = exchanges[exchange].generation
    guard let block = blocks.take(atLeast: body.byteCount &+ 4) else {
      fail(exchange, .gateway, "The gateway has no memory for this answer now.")
      return false
    }
    defer { blocks.give(block) }
    var filtered = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    let outcome = generations[generation].policy.use { policy in
      ListFilter.filter(
        body, of: kind, index: answerIndex, program: policy, principal: principal, server: server,
        scratch: &generations[generation].scratch, into: &filtered)
    }
    switch outcome {
    case .untouched: return mask(exchange, body, into: &writer)
    case .failed: break
    case .filtered(_, let removed):
      exchanges[exchange].hiddenEntries = UInt16(clamping: removed)
      let rest = block.bytes(filtered.count)
      // Read again, because places have moved; what was one strict message still is.
      let violation = generations[generation].masks.use { masks in
        answerIndex.read(rest, watch: masks.watch)
      }
      if violation == nil { return mask(exchange, rest, into: &writer) }
    }
    fail(exchange, .server, "The server's list cannot be read.")
    return false
  }

  /// Masks the message that `answerIndex` has read. False after a failure.
  private mutating func mask(
    _ exchange: UInt32, _ body: RawSpan, into writer: inout ByteWriter
  ) -> Bool {
    let active = exchanges[exchange].masks
    let outcome = generations[exchanges[exchange].generation].masks.use { masks in
      masker.mask(body, index: answerIndex, program: masks, active: active, into: &writer)
    }
    switch outcome {
    case .untouched: writer.append(body)
    case .masked(let values):
      exchanges[exchange].maskedValues &+= UInt32(truncatingIfNeeded: values)
    case .failed:
      fail(exchange, .gateway, "The answer cannot be masked reliably.")
      return false
    }
    if writer.overflowed {
      fail(exchange, .gateway, "The gateway has no memory for this answer now.")
      return false
    }
    return true
  }

  /// Makes sure that `room` bytes fit behind what the answer's block holds (and the end of a chunk behind them).
  mutating func makeAnswerRoom(_ exchange: UInt32, _ room: Int) -> Bool {
    if exchanges[exchange].answer.isNone { return takeStreamBlock(exchange, room: room) }
    let old = exchanges[exchange].answer
    let end = exchanges[exchange].answerEnd
    guard end &+ room &+ Worker.answerTail > old.capacity else { return true }
    guard let larger = blocks.take(atLeast: end &+ room &+ Worker.answerTail) else { return false }
    let start = exchanges[exchange].answerStart
    larger.write(old.bytes(from: start, count: end &- start), at: start)
    blocks.give(old)
    exchanges[exchange].answer = larger
    return true
  }

  /// A fresh block for an answer, with room for a head in front.
  mutating func takeStreamBlock(_ exchange: UInt32, room: Int) -> Bool {
    let front = Worker.answerFront
    guard let block = blocks.take(atLeast: front &+ room &+ Worker.answerTail) else { return false }
    exchanges[exchange].answer = block
    exchanges[exchange].answerStart = front
    exchanges[exchange].recordStart = front
    exchanges[exchange].answerEnd = front
    return true
  }
}

extension MCPMethod {
  /// What its answer lists, if it lists anything.
  var list: ListKind? {
    switch self {
    case .toolsList: .tools
    case .promptsList: .prompts
    case .resourcesList: .resources
    case .resourcesTemplatesList: .resourceTemplates
    default: nil
    }
  }
}

extension RawSpan {
  /// Whether the other span holds the same bytes.
  func elementsEqual(_ other: RawSpan) -> Bool { equalBytes(self, other) }
}
