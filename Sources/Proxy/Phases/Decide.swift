internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Phases decide and reserve record: the policy's word, its record, and only then the way to the server.
extension Worker {
  mutating func decide(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) {
    exchanges[slot].phase = .decide
    if message.method.asksAboutTask(in: exchanges[slot].era) {
      return judgeTask(slot, head, body, message)
    }
    let principal = principal(of: slot)
    let server = route(of: slot).server
    let generation = exchanges[slot].generation
    let call = PolicyCall(
      method: callMethod(slot, body, message), hasID: message.kind == .request,
      target: target(message),
      arguments: message.method == .completionComplete ? nil : message.arguments)
    var verdict: Verdict? = nil
    generations[generation].policy.use { policy in
      verdict = policy.decide(
        principal: principal, server: server, call: call, index: requestIndex, bytes: body,
        scratch: &generations[generation].scratch)
    }
    exchanges[slot].decided = loop.now
    switch consume verdict {
    case .some(.block(let refusal)): block(slot, refusal, head, body, message)
    case .some(.hold(let hold)): self.hold(slot, hold, head, body, message)
    case .some(.allow(let permit)): allow(slot, permit, head, body, message)
    case .none: preconditionFailure("the policy always answers")
    }
  }

  private mutating func callMethod(
    _ slot: UInt32, _ body: RawSpan, _ message: MCPMessage
  ) -> CallMethod {
    switch message.method {
    case .initialize: .initialize
    case .ping: .ping
    case .toolsList: .toolsList
    case .toolsCall: .toolsCall
    case .serverDiscover: .serverDiscover
    case .loggingSetLevel: .loggingSetLevel
    case .promptsList: .promptsList
    case .promptsGet: .promptsGet
    case .resourcesList: .resourcesList
    case .resourcesTemplatesList: .resourcesTemplatesList
    case .resourcesRead: .resourcesRead
    case .resourcesSubscribe: .resourcesSubscribe
    case .resourcesUnsubscribe: .resourcesUnsubscribe
    case .completionComplete:
      message.promptReference != nil ? .completionOfPrompt : .completionOfResource
    case .subscriptionsListen: .subscriptionsListen
    case .notificationsInitialized, .notificationsCancelled, .notificationsProgress,
      .notificationsRootsListChanged:
      .notification
    case .unknown: listsMethod(slot, body, message) ? .listed : .other
    default: .other
    }
  }

  /// What says which tool, prompt or resource the call is for.
  private func target(_ message: MCPMessage) -> JSONToken? {
    switch message.method {
    case .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe: message.uri
    case .completionComplete: message.promptReference ?? message.resourceReference
    case .subscriptionsListen: message.notifications
    default: message.name
    }
  }

  // MARK: Blocked

  mutating func block(
    _ slot: UInt32, _ refusal: Refusal, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) {
    // Who asks for a task would not know a tool's result for what it is.
    let isTool =
      message.method == .toolsCall && message.kind == .request && message.task == nil
    let record = exchanges[slot].record
    let modern = exchanges[slot].era == .modern
    let id = exchanges[slot].id
    let policy = generations[exchanges[slot].generation].snapshot.policy
    let era = exchanges[slot].era
    // 200 even for a refusal: clients of the legacy era do not read the bodies of errors (mcp-wire 7.1).
    let status: UInt16 =
      message.kind == .notification
      ? 400 : refusal.reason == .methodNotAllowed && modern ? 404 : 200
    beginLocalAnswer(slot, status: status, room: LocalAnswer.blockedBytes(refusal, policy)) {
      out, _ in
      LocalAnswer.blocked(
        refusal, policy: policy, id: id, era: era, isTool: isTool, record: record, into: &out)
    }
    var outcome = outcome(slot, .refused)
    outcome.errorCode = isTool ? 0 : LocalAnswer.errorCode(refusal)
    var facts = facts(slot, .block)
    describe(&facts, slot, head, body, message)
    facts.requestID = id.span
    if let rule = refusal.rule { facts.rule = policy.ruleName(rule) }
    finishLocalAnswer(slot, outcome, facts: facts, request: body)
  }

  /// Adds what the message says to the facts of its record.
  @_lifetime(facts: copy facts, copy head, copy body)
  mutating func describe(
    _ facts: inout CallFacts, _ slot: UInt32, _ head: RawSpan, _ body: RawSpan,
    _ message: MCPMessage
  ) {
    facts.era = exchanges[slot].era == .modern ? .modern : .legacy
    if let method = message.methodToken {
      facts.method = body.extracting(requestIndex.contents(of: method).range)
    }
    if let tool = taskTool(slot) {
      facts.tool = tool
    } else {
      facts.tool = targetName(message, body)
    }
    facts.session = head.extracting(exchanges[slot].head.mcpSessionID.range)
    facts.client = clientName(slot, head, body, message)
  }

  /// The unescaped name of the tool or prompt, or the resource's URI, in working memory that the next call overwrites;
  /// empty when there is none.
  @_lifetime(immortal)
  mutating func targetName(_ message: MCPMessage, _ body: RawSpan) -> RawSpan {
    guard let name = target(message), requestIndex.kind(of: name, in: body) == .string else {
      return unsafe _overrideLifetime(RawSpan(), copying: ())
    }
    var writer = unsafe ByteWriter(
      unsafeInto: scratch.unsafeStart + Worker.toolNameArea, capacity: 4096)
    requestIndex.decode(name, in: body, into: &writer)
    return scratchBytes(Worker.toolNameArea, writer.count)
  }

  // MARK: Allowed

  /// - Parameter held: what is known of its approval, when it was held.
  mutating func allow(
    _ slot: UInt32, _ permit: consuming Permit, _ head: RawSpan, _ body: RawSpan,
    _ message: MCPMessage, held: borrowing HeldFacts = HeldFacts()
  ) {
    if message.method == .notificationsCancelled { cancelHeld(slot, head, body, message) }
    if mayBecomeTask(message, body), !keepTaskTool(slot, message, body) {
      return refuse(slot, .overloaded, request: head)
    }
    exchanges[slot].phase = .reserveRecord
    let id = exchanges[slot].id
    let rule = permit.permitted.rule
    var facts = facts(slot, .allow)
    describe(&facts, slot, head, body, message)
    facts.requestID = id.span
    if let rule { facts.rule = ruleName(rule, exchanges[slot].generation) }
    if held.approval.byteCount > 0 {
      facts.approval = held.approval
      facts.approvalState = .approved
      facts.reviewers = held.reviewers
      facts.reviewReason = held.reason
      facts.heldMicroseconds = held.heldNanoseconds / 1000
    }
    switch recording.open(facts, request: body) {
    case .opened(let ticket): exchanges[slot].ticket = ticket
    case .refused(let why): return unrecordable(slot, why)
    }
    var fields = UpstreamFields()
    describe(&fields, slot, head, body, message)
    forward(permit, slot, fields: fields, body: body)
  }

  /// A rule's name. The policy that holds it is kept by the snapshot, and that by its generation.
  @_lifetime(immortal)
  func ruleName(_ rule: RuleID, _ generation: UInt8) -> RawSpan {
    generations[generation].policy.use { policy in
      let name = policy.ruleName(rule)
      return unsafe name.withUnsafeBytes { bytes in
        unsafe RuleName(start: bytes.baseAddress, count: bytes.count)
      }
    }.span
  }

  /// The fields of the upstream request that follow from the message: written from what was judged, never copied from
  /// the client's.
  @_lifetime(fields: copy fields, copy head, copy body)
  private mutating func describe(
    _ fields: inout UpstreamFields, _ slot: UInt32, _ head: RawSpan, _ body: RawSpan,
    _ message: MCPMessage
  ) {
    if exchanges[slot].era == .modern {
      fields.message = message
      exchanges[slot].callMark = callMark(message, body)
    }
    if exchanges[slot].era == .modern, message.method == .toolsCall,
      exchanges[slot].head.hasParameters
    {
      fields.parameters = head
    }
    if message.method == .unknown {
      fields.listedName = head.extracting(exchanges[slot].head.mcpName.range)
    }
    if exchanges[slot].era == .legacy {
      fields.version = legacyVersion(slot, head)
      fields.session = scratchBytes(Worker.sessionArea, exchanges[slot].sessionCount)
    }
  }

  /// The audit path takes no new call: fail closed, with an error that says why.
  private mutating func unrecordable(_ slot: UInt32, _ why: AuditRefusal) {
    beginLocalAnswer(slot, status: exchanges[slot].isNotification ? 503 : 200) { out, exchange in
      LocalAnswer.error(
        id: exchange.id, code: -32603, text: why.text, record: exchange.record, into: &out)
    }
    exchanges[slot].outcome = outcome(slot, .refused, side: .gateway, errorCode: -32603)
    completeAnswer(slot)
  }
}
