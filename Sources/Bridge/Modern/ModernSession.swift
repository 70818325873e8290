internal import Logging
internal import Wire

/// Speaks for one agent of the legacy era to a server of the modern era (2026-07-28).
///
/// What the modern era does not have is answered here: `initialize` (from `server/discover`), `ping`, `logging/setLevel` and
/// subscriptions (one `subscriptions/listen` for all of them). Everything else becomes a request of the modern era, and its
/// answer one of the legacy era; what the server asks for before it answers (`input_required`) becomes requests to the
/// agent, whose answers go into the repetition of the call.
///
///     agent    {"id":7,"method":"tools/call",…}                  server   POST tools/call + _meta
///     agent    {"id":"ask-1","method":"elicitation/create",…}    <-       {"resultType":"input_required",…}
///     agent    {"id":"ask-1","result":{…}}                       ->       POST tools/call + inputResponses
///     agent    {"id":7,"result":{…}}                             <-       {"resultType":"complete",…}
actor ModernSession {
  let server: BridgedServer
  let remote: RemoteServer
  let client: any RemoteSender
  let log: Logger
  let emit: @Sendable (ProcessEvent) -> Void
  let reader: MessageReader

  var facts = AgentFacts()
  var headers = ParameterHeaders()
  /// What the server says of itself changes; an agent that subscribes listens too.
  var announces: Set<String> = []
  var subscriptions: Set<String> = []
  var isInitialized = false
  var listening: Task<Void, Never>?
  private var calls: [Int: Task<Void, Never>] = [:]
  private var questions: [String: CheckedContinuation<Message?, Never>] = [:]
  private var lastQuestion = 0
  private var isEnded = false

  /// Repetitions of one call because of `input_required`; questions of one answer; resources of one session.
  static let roundsMax = 16
  static let questionsMax = 32
  static let subscriptionsMax = 1024
  /// Pages of `tools/list` that are read to learn which arguments are repeated in header fields.
  static let pagesMax = 64

  init(
    _ server: BridgedServer, _ remote: RemoteServer, client: any RemoteSender, log: Logger,
    emit: @escaping @Sendable (ProcessEvent) -> Void
  ) {
    self.server = server
    self.remote = remote
    self.client = client
    self.log = log
    self.emit = emit
    reader = MessageReader(bytesMax: server.limits.messageBytesMax)
  }

  // MARK: From the agent

  /// Takes one message, which ends with a line feed.
  func take(_ line: [UInt8]) {
    guard !isEnded, let message = reader.read(line) else { return }
    switch message.kind {
    case .answer: answered(message)
    case .notification: notified(message)
    case .request: asked(message)
    }
  }

  private func notified(_ message: Message) {
    switch message.method {
    case "notifications/initialized":
      isInitialized = true
      listenAnew()
    case "notifications/cancelled":
      guard let id = message.cancelledID.map(message.literal), let number = number(id) else {
        return
      }
      // The end of the response stream is the cancellation.
      calls[number]?.cancel()
    // The modern era knows neither progress of agents nor changes of their roots.
    default: break
    }
  }

  private func asked(_ message: Message) {
    guard let id = message.id.map(message.literal), let number = number(id) else { return }
    switch message.method {
    case "ping": give(id, result: Array("{}".utf8))
    case "logging/setLevel": setLevel(message, id)
    case "resources/subscribe", "resources/unsubscribe": subscribe(message, id)
    case "initialize": start(number) { await self.initialize(message, id) }
    default: start(number) { await self.call(message, id, number) }
    }
  }

  private func number(_ id: [UInt8]) -> Int? { ServerBridge.number(id) }

  private func start(_ number: Int, _ work: @escaping @Sendable () async -> Void) {
    calls[number] = Task {
      await work()
      self.calls[number] = nil
    }
  }

  private func setLevel(_ message: Message, _ id: [UInt8]) {
    guard let document = document(message.bytes),
      let level = document.member(
        "level", of: document.member("params", of: document.root)),
      document.kind(level) == .string
    else { return give(id, code: -32602, "The level is missing.") }
    facts.logLevel = document.literal(level)
    give(id, result: Array("{}".utf8))
  }

  private func subscribe(_ message: Message, _ id: [UInt8]) {
    guard let uri = message.uri else { return give(id, code: -32602, "The uri is missing.") }
    if message.method == "resources/unsubscribe" {
      subscriptions.remove(uri)
    } else {
      guard subscriptions.contains(uri) || subscriptions.count < Self.subscriptionsMax else {
        return give(id, code: MessageText.internalError, "There are too many subscriptions.")
      }
      subscriptions.insert(uri)
    }
    give(id, result: Array("{}".utf8))
    listenAnew()
  }

  // MARK: To the agent

  func document(_ bytes: [UInt8]) -> JSONDocument? {
    JSONDocument(bytes, bytesMax: server.limits.messageBytesMax)
  }

  func give(_ id: [UInt8], result: [UInt8]) {
    emit(.line(MessageText.result(id: id, result)))
  }

  func give(_ id: [UInt8], code: Int, _ text: String) {
    emit(.line(MessageText.error(id: id, code: code, text)))
  }

  // MARK: Questions to the agent

  /// Asks the agent on the stream of the call that is about it, and waits: nil when it cannot be asked any more.
  func ask(_ method: [UInt8], _ params: [UInt8]?, about number: Int) async -> Message? {
    lastQuestion += 1
    let id = "ask-\(lastQuestion)"
    var line = Array("{\"jsonrpc\":\"2.0\",\"id\":\"\(id)\",\"method\":".utf8) + method
    if let params { line += Array(",\"params\":".utf8) + params }
    line.append(UInt8(ascii: "}"))
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard !Task.isCancelled, !isEnded else { return continuation.resume(returning: nil) }
        questions[id] = continuation
        emit(.related(line, to: number))
      }
    } onCancel: {
      Task { await self.forget(question: id) }
    }
  }

  private func forget(question id: String) {
    questions.removeValue(forKey: id)?.resume(returning: nil)
  }

  private func answered(_ message: Message) {
    guard let literal = message.id.map(message.literal), literal.count > 2 else { return }
    let id = String(decoding: literal.dropFirst().dropLast(), as: UTF8.self)
    questions.removeValue(forKey: id)?.resume(returning: message)
  }

  // MARK: The end

  func end() async {
    isEnded = true
    listening?.cancel()
    let running = calls.values
    for call in running { call.cancel() }
    for id in Array(questions.keys) { forget(question: id) }
    for call in running { await call.value }
    await listening?.value
  }
}
