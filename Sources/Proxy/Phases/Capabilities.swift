internal import EventLoop
internal import Policy
internal import Wire

/// What agents and servers tell each other that they can do (`capabilities`): what the gateway refuses is not offered, so that
/// the other side goes another way instead of running into the refusal.
///
///     from agents    sampling, elicitation, roots, unless the server may ask for them (`ClientRequests`); tasks of the agent's
///     from servers   `tasks.list`: see `Worker.judgeTask`
extension Worker {
  /// The capabilities that a request declares: those of `initialize`, or those of any modern request.
  func declaredCapabilities(_ message: MCPMessage, _ body: RawSpan) -> JSONToken? {
    guard message.kind == .request else { return nil }
    guard message.method == .initialize else { return message.metaCapabilities }
    guard let params = message.params else { return nil }
    return requestIndex.member("capabilities", of: params, in: body)
  }

  /// Whether some of them are not to be offered to the server.
  func offersTooMuch(_ slot: UInt32, _ capabilities: JSONToken, _ body: RawSpan) -> Bool {
    guard requestIndex.kind(of: capabilities, in: body) == .object else { return false }
    var member = requestIndex.firstMember(of: capabilities, in: body)
    guard member != nil else { return false }
    let allowed = route(of: slot).clientRequests
    while let key = member {
      if !Worker.isOffered(key, allowed, body, requestIndex) { return true }
      member = requestIndex.nextMember(after: key, in: body)
    }
    return false
  }

  private static func isOffered(
    _ key: JSONToken, _ allowed: ClientRequests, _ body: RawSpan, _ index: borrowing JSONIndex
  ) -> Bool {
    if index.equals(key, "sampling", in: body) { return allowed.contains(.sampling) }
    if index.equals(key, "elicitation", in: body) { return allowed.contains(.elicitation) }
    if index.equals(key, "roots", in: body) { return allowed.contains(.roots) }
    return !index.equals(key, "tasks", in: body)
  }

  /// Writes a message in which `object` has only those members whose keys `keeps` says yes to. Needs no more room than `message`
  /// has.
  private static func write(
    _ message: RawSpan, _ object: JSONToken, _ index: borrowing JSONIndex,
    into out: inout ByteWriter, keeping keeps: (JSONToken, borrowing JSONIndex) -> Bool
  ) {
    let range = index.range(of: object).range
    out.append(message.extracting(first: range.lowerBound))
    out.append("{")
    let start = out.count
    var member = index.firstMember(of: object, in: message)
    while let key = member {
      if keeps(key, index) {
        if out.count > start { out.append(",") }
        let value = index.range(of: index.value(ofKey: key)).range
        out.append(message.extracting(index.range(of: key).range.lowerBound..<value.upperBound))
      }
      member = index.nextMember(after: key, in: message)
    }
    out.append("}")
    out.append(message.extracting(droppingFirst: range.upperBound))
  }

  /// Judges a request without what it offers too much.
  mutating func judgeTrimmed(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ capabilities: JSONToken
  ) {
    let allowed = route(of: slot).clientRequests
    guard let block = blocks.take(atLeast: body.byteCount) else {
      return refuse(slot, .overloaded, request: head)
    }
    var out = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    Worker.write(body, capabilities, requestIndex, into: &out) { key, index in
      Worker.isOffered(key, allowed, body, index)
    }
    judge(slot, head, block.bytes(out.count))
    blocks.give(block)
  }

  /// Whether a call may be answered with a task: it asks for one, or its agent declares the extension.
  func mayBecomeTask(_ message: MCPMessage, _ body: RawSpan) -> Bool {
    guard message.method == .toolsCall else { return false }
    if message.task != nil { return true }
    guard let capabilities = message.metaCapabilities,
      requestIndex.kind(of: capabilities, in: body) == .object,
      let extensions = requestIndex.member("extensions", of: capabilities, in: body),
      requestIndex.kind(of: extensions, in: body) == .object
    else { return false }
    return requestIndex.member("io.modelcontextprotocol/tasks", of: extensions, in: body) != nil
  }

  // MARK: From the server

  /// Where the message that `answerIndex` has read offers the list of tasks: the value of `capabilities.tasks`, and the key.
  func offeredTaskList(_ message: RawSpan) -> (tasks: JSONToken, list: JSONToken)? {
    guard let result = answerIndex.member("result", of: answerIndex.root, in: message),
      answerIndex.kind(of: result, in: message) == .object,
      let capabilities = answerIndex.member("capabilities", of: result, in: message),
      answerIndex.kind(of: capabilities, in: message) == .object,
      let tasks = answerIndex.member("tasks", of: capabilities, in: message),
      answerIndex.kind(of: tasks, in: message) == .object
    else { return nil }
    var member = answerIndex.firstMember(of: tasks, in: message)
    while let key = member {
      if answerIndex.equals(key, "list", in: message) { return (tasks, key) }
      member = answerIndex.nextMember(after: key, in: message)
    }
    return nil
  }

  /// The message without that; nil when there is no memory for it.
  mutating func withoutTaskList(_ message: RawSpan) -> (Block, Int)? {
    guard let (tasks, list) = offeredTaskList(message),
      let block = blocks.take(atLeast: message.byteCount)
    else { return nil }
    var out = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    Worker.write(message, tasks, answerIndex, into: &out) { key, _ in key != list }
    return (block, out.count)
  }
}
