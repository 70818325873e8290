internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Tasks: calls of tools that are answered at once with the id of a task, and go on (revision 2025-11-25, and the extension
/// `io.modelcontextprotocol/tasks` of the modern era).
///
/// A server that the gateway reaches with one credential cannot tell whose task is whose. So the agent gets the id sealed, bound
/// to the principal, the server and the tool, and only an id that opens is asked about. Nothing is kept: any worker, and any
/// gateway with the same key, can take the request.
///
///     tools/call      server  {"task":{"taskId":"T", …}}  ->  agent  {"task":{"taskId":"slt1.…", …}}
///     tasks/result    agent   {"taskId":"slt1.…"}  ->  judged and masked as a call of the tool  ->  server  {"taskId":"T"}
///
///     sealed: version (1 byte) | bytes of the tool's name (2) | the name, unescaped | what stood between the quotes
///
/// `tasks/list` is refused, and not offered (`Capabilities`): what is in the list is not only the agent's. What a server says of
/// a task unasked (`notifications/tasks/status`) is dropped: it names no tool, and clients must not rely on it.
extension Worker {
  private static var taskHead: Int { 3 }

  // MARK: From the agent

  /// Judges a request about a task, with the server's own id in its place.
  mutating func judgeTask(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) {
    guard let place = openTask(slot, head, body, message) else { return }
    let task = exchanges[slot].task
    let start = Worker.taskHead + exchanges[slot].taskToolBytes
    let id = task.bytes(from: start, count: exchanges[slot].taskBytes - start)
    guard let (block, count) = splice(body, place, id) else {
      return refuse(slot, .overloaded, request: head)
    }
    let rewritten = block.bytes(count)
    // Read again, because places have moved.
    if requestIndex.read(rewritten, watch: JSONWatch.none) == nil,
      case .message(let message) = MCPReader.read(rewritten, index: requestIndex)
    {
      decideTask(slot, head, rewritten, message)
    } else {
      refuse(slot, MCPRefusal(.taskUnknown, id: message.id), head, body)
    }
    blocks.give(block)
  }

  private mutating func decideTask(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) {
    let principal = principal(of: slot)
    let server = route(of: slot).server
    let generation = exchanges[slot].generation
    guard let tool = taskTool(slot) else { preconditionFailure("the task was opened") }
    var verdict: Verdict? = nil
    generations[generation].policy.use { policy in
      verdict = policy.decideTask(
        ofTool: tool, principal: principal, server: server,
        scratch: &generations[generation].scratch)
    }
    exchanges[slot].decided = loop.now
    switch consume verdict {
    case .some(.block(let refusal)): block(slot, refusal, head, body, message)
    case .some(.hold): preconditionFailure("what goes on was approved when it began")
    case .some(.allow(let permit)): allow(slot, permit, head, body, message)
    case .none: preconditionFailure("the policy always answers")
    }
  }

  /// Opens the id of the task that a request is about, into memory of the exchange, and returns where it stands. One that was
  /// not sealed for this principal and server is refused as unknown; then there is none.
  private mutating func openTask(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) -> Range<Int>? {
    if message.kind == .request, let id = message.taskID {
      switch open(id, .task, slot, body, atLeast: Worker.taskHead + 1) {
      case .opened(let block, let count):
        if keepOpenedTask(slot, block, count) { return requestIndex.contents(of: id).range }
      case .foreign: break
      case .noMemory:
        refuse(slot, .overloaded, request: head)
        return nil
      }
    }
    let status: UInt16 = exchanges[slot].era == .modern ? 400 : 200
    refuse(slot, MCPRefusal(.taskUnknown, status: status, id: message.id), head, body)
    return nil
  }

  /// False, and the block is given back, when it holds no task.
  private mutating func keepOpenedTask(_ slot: UInt32, _ block: Block, _ count: Int) -> Bool {
    let tool =
      unsafe Int(block.unsafeStart.load(fromByteOffset: 1, as: UInt8.self)) << 8
      | Int(block.unsafeStart.load(fromByteOffset: 2, as: UInt8.self))
    guard Worker.taskHead + tool < count else {
      blocks.give(block)
      return false
    }
    blocks.give(exchanges[slot].task)
    exchanges[slot].task = block
    exchanges[slot].taskToolBytes = tool
    exchanges[slot].taskBytes = count
    return true
  }

  /// The tool whose task a request is about; nil for other requests.
  @_lifetime(immortal)
  func taskTool(_ slot: UInt32) -> RawSpan? {
    guard !exchanges[slot].task.isNone else { return nil }
    let tool = exchanges[slot].task.bytes(
      from: Worker.taskHead, count: exchanges[slot].taskToolBytes)
    return unsafe _overrideLifetime(tool, copying: ())
  }

  /// Keeps the name of the tool of a call that may be answered with a task; false when there is no memory for it.
  mutating func keepTaskTool(_ slot: UInt32, _ message: MCPMessage, _ body: RawSpan) -> Bool {
    guard exchanges[slot].task.isNone else { return true }
    return keepTaskTool(slot, targetName(message, body))
  }

  mutating func keepTaskTool(_ slot: UInt32, _ name: RawSpan) -> Bool {
    guard let block = blocks.take(atLeast: Worker.taskHead + name.byteCount) else { return false }
    unsafe block.unsafeStart.storeBytes(of: 1, as: UInt8.self)
    unsafe block.unsafeStart.storeBytes(
      of: UInt8(truncatingIfNeeded: name.byteCount >> 8), toByteOffset: 1, as: UInt8.self)
    unsafe block.unsafeStart.storeBytes(
      of: UInt8(truncatingIfNeeded: name.byteCount), toByteOffset: 2, as: UInt8.self)
    block.write(name, at: Worker.taskHead)
    exchanges[slot].task = block
    exchanges[slot].taskToolBytes = name.byteCount
    exchanges[slot].taskBytes = Worker.taskHead + name.byteCount
    return true
  }

  // MARK: From the server

  /// Where the message that `answerIndex` has read names a task, in one of the three places: the result itself, the task that a
  /// call has become, or the task that a result belongs to.
  func taskPlace(_ place: AnswerChanges, _ message: RawSpan) -> Range<Int>? {
    guard let result = object("result", of: answerIndex.root, message) else { return nil }
    switch place {
    case .taskItself: return id(of: result, message)
    case .taskMade:
      guard let task = object("task", of: result, message) else { return nil }
      return id(of: task, message)
    default:
      guard let meta = object("_meta", of: result, message),
        let related = object("io.modelcontextprotocol/related-task", of: meta, message)
      else { return nil }
      return id(of: related, message)
    }
  }

  /// Whether the message names a task whose tool is not known: on a stream that was taken up again, whatever it is of.
  func namesUnknownTask(_ exchange: UInt32, _ message: RawSpan) -> Bool {
    guard exchanges[exchange].isSessionStream, exchanges[exchange].task.isNone else { return false }
    return taskPlace(.taskItself, message) != nil || taskPlace(.taskMade, message) != nil
      || taskPlace(.taskRelated, message) != nil
  }

  private func object(
    _ name: StaticString, of object: JSONToken, _ message: RawSpan
  ) -> JSONToken? {
    guard let value = answerIndex.member(name, of: object, in: message),
      answerIndex.kind(of: value, in: message) == .object
    else { return nil }
    return value
  }

  private func id(of object: JSONToken, _ message: RawSpan) -> Range<Int>? {
    guard let id = answerIndex.member("taskId", of: object, in: message),
      answerIndex.kind(of: id, in: message) == .string
    else { return nil }
    return answerIndex.contents(of: id).range
  }

  /// The message with one task's id sealed; nil when that cannot be done.
  mutating func withSealedTask(
    _ exchange: UInt32, _ message: RawSpan, _ place: Range<Int>
  ) -> (Block, Int)? {
    let head = Worker.taskHead + exchanges[exchange].taskToolBytes
    guard let plain = blocks.take(atLeast: head + place.count) else { return nil }
    defer { blocks.give(plain) }
    plain.write(exchanges[exchange].task.bytes(head), at: 0)
    plain.write(message.extracting(place), at: head)
    return seal(
      plain.bytes(head + place.count), .task, exchange, into: message, at: place)
  }
}

extension MCPMethod {
  /// Whether it is a request about a task that is named by its id.
  func asksAboutTask(in era: Era) -> Bool {
    switch self {
    case .tasksGet, .tasksResult, .tasksCancel, .tasksUpdate: isClientRequest(in: era)
    default: false
    }
  }

  /// Whether it is a server's word on a task that nobody has asked for.
  var tellsOfTask: Bool { self == .notificationsTasksStatus || self == .notificationsTasks }
}
