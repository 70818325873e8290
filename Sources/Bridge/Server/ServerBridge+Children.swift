internal import Logging

/// The server's processes: started when they are needed, ended when they are not.
extension ServerBridge {
  /// Why no process can be started, in words for an agent.
  struct StartFailure: Error {
    var text: String
  }

  /// Starts a process, which may take a while to answer.
  func startChild(for session: String? = nil) throws(StartFailure) -> Int {
    guard !isRetired else {
      throw StartFailure(text: "The server's configuration has changed. Try again.")
    }
    guard hasRoom() else {
      let most = "\(server.limits.processesMax) \(server.remote == nil ? "processes" : "sessions")"
      throw StartFailure(text: "The server has its maximum of \(most). Try again later.")
    }
    if let wait = backOff.wait() {
      let seconds = max(1, Int((wait / .seconds(1)).rounded(.up)))
      throw StartFailure(
        text: "The server's \(server.noun) keeps ending. Try again in \(seconds) s.")
    }
    let number = makeNumber()
    let process = makeProcess(server) { [weak self] event in
      await self?.take(event, from: number)
    }
    children[number] = Child(process: process, session: session)
    log.debug("starting a server's \(server.noun)", metadata: ["server": "\(server.name)"])
    keepSweeping()
    return number
  }

  /// Whether one more may run, when need be because a session ends that nobody has used for a while: agents forget to
  /// end theirs. Such an agent is told that its session is unknown, and begins another.
  private func hasRoom() -> Bool {
    let most = server.limits.processesMax
    // Those that are ending do not count as long as they do not pile up.
    guard children.count < 2 * most else { return false }
    if children.values.count(where: { !$0.isEnding }) < most { return true }
    let idle = sessions.filter { session in
      guard let child = session.value.child.flatMap({ children[$0] }) else { return false }
      return child.pendingCount == 0 && session.value.stream?.isDone ?? true
        && ContinuousClock.now - session.value.lastUse >= server.limits.evictionTime
    }
    guard let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return false }
    forget(session: oldest.key)
    return true
  }

  func end(_ child: Int) {
    guard let running = children[child], !running.isEnding else { return }
    children[child]?.isEnding = true
    if modernChild == child { modernChild = nil }
    if sharedChild == child { sharedChild = nil }
    if spareChild == child { spareChild = nil }
    running.process.end()
  }

  /// Whether requests may be sent to it.
  func isUsable(_ child: Int) -> Bool { children[child]?.isEnding == false }

  /// The process is over: whoever waits for it learns so.
  func childEnded(_ number: Int, _ why: String) {
    guard let child = children[number] else { return }
    let metadata: Logger.Metadata = ["server": "\(server.name)", "reason": "\(why)"]
    if child.isEnding {
      log.debug("a server's \(server.noun) has ended", metadata: metadata)
    } else {
      log.warning("a server's \(server.noun) ended by itself", metadata: metadata)
      // What one agent does to its own process must not keep the others waiting. A program that does not even start, or a
      // process of all that does not last, fails for everybody.
      let hasLasted = ContinuousClock.now - child.started > Self.provingTime
      if !child.isProven || (child.session == nil && !hasLasted) { backOff.failed() }
    }
    end(number)
    children[number] = nil
    for (id, waiting) in pending where waiting.child == number {
      pending[id] = nil
      give(up: waiting, "The server's \(server.noun) ended before it answered.")
    }
    if let session = child.session { forget(session: session) }
  }

  func give(up waiting: Pending, _ text: String) {
    switch waiting.asker {
    case .agent, .nobody:
      finish(
        waiting, 200, MessageText.error(id: waiting.id, code: MessageText.internalError, text))
    case .bridge(let continuation): continuation.resume(returning: nil)
    }
  }

  func sweepChildren(_ now: ContinuousClock.Instant) {
    for (number, child) in children where !child.isEnding {
      if child.isProven, now - child.started > Self.provingTime { backOff.succeeded() }
      for (id, deadline) in child.serverRequests where deadline <= now {
        children[number]?.serverRequests[id] = nil
        answer(number, id: id, code: MessageText.internalError, "No agent answered in time.")
      }
      let idleTime = number == spareChild ? Self.spareTime : server.limits.idleTime
      let isIdle = child.pendingCount == 0 && now - child.lastUse >= idleTime
      let isShared = number == sharedChild && sessions.values.contains { $0.stream != nil }
      if isIdle, child.session == nil, !isShared { end(number) }
    }
  }

  /// How long a process must have run until it is no sign of trouble when it ends.
  private static var provingTime: Duration { .seconds(10) }
  /// How long a process waits for a session that it could serve.
  private static var spareTime: Duration { .seconds(60) }

  // MARK: Questions of the bridge itself

  /// Asks a process and waits for the answer: nil when none came in time.
  func ask(_ child: Int, _ line: (_ id: Int) -> [UInt8]) async -> Message? {
    let id = makeNumber()
    let bytes = line(id)
    return await withCheckedContinuation { continuation in
      let waiting = Pending(
        number: id, asker: .bridge(continuation), child: child, id: Array("\(id)".utf8),
        deadline: .now + server.limits.startTime)
      guard send(bytes, waiting, id) else { return continuation.resume(returning: nil) }
    }
  }

  /// Sends a request on its way. False when the process cannot take it; then it is not pending.
  func send(_ line: [UInt8], _ waiting: Pending, _ id: Int) -> Bool {
    guard let child = children[waiting.child], !child.isEnding,
      child.pendingCount < server.limits.requestsMax, child.process.send(line + [0x0A])
    else { return false }
    pending[id] = waiting
    children[waiting.child]?.pendingCount += 1
    children[waiting.child]?.lastUse = .now
    return true
  }

  /// Answers a request of the server itself with an error.
  func answer(_ child: Int, id: [UInt8], code: Int, _ text: String) {
    _ = children[child]?.process.send(MessageText.error(id: id, code: code, text) + [0x0A])
  }

  // MARK: The shared process of the legacy era

  /// The process that all legacy sessions share, started and initialised when there is none.
  func shared() async -> SharedChild {
    if let sharedChild, isUsable(sharedChild) { return .child(sharedChild) }
    if let sharedStart { return await sharedStart.value }
    let start = Task { await startShared() }
    sharedStart = start
    let outcome = await start.value
    sharedStart = nil
    return outcome
  }

  private func startShared() async -> SharedChild {
    let child: Int
    do throws(StartFailure) {
      child = try takeSpareOrStart()
    } catch {
      return .failed(error.text)
    }
    guard let answer = await ask(child, MessageText.initialize), let result = answer.result else {
      log.warning("a server did not answer initialize", metadata: ["server": "\(server.name)"])
      backOff.failed()
      end(child)
      return .failed("The server's \(server.noun) did not start. The gateway's log says why.")
    }
    guard isUsable(child) else { return .failed("The server's \(server.noun) ended.") }
    _ = children[child]?.process.send(MessageText.initialized + [0x0A])
    sharedInitialize = answer.literal(result)
    sharedChild = child
    return .child(child)
  }

  /// A process of the legacy era: the one that was asked for its era, if there is one.
  func takeSpareOrStart(for session: String? = nil) throws(StartFailure) -> Int {
    guard let spare = spareChild, isUsable(spare) else { return try startChild(for: session) }
    spareChild = nil
    children[spare]?.session = session
    return spare
  }
}
