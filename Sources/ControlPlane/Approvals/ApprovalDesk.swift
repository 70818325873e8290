internal import Approvals
internal import Dispatch
internal import Foundation
internal import Logging
internal import Policy
internal import Proxy
internal import Status

/// Between the workers, whose calls wait, and the store, where they are decided: asks for what is held, uses up what was
/// approved while somebody waits for it, and tells each waiting call what became of it.
///
/// Everything happens in one loop, one event after the other, so that no decision falls between asking and waiting. What the
/// loop should miss (a listener that fell behind, another process at the same file) it finds on its next round.
actor ApprovalDesk {
  /// Calls that are put before reviewers in one transaction.
  private static let batchMax = 256
  /// Rounds between two looks at all that has been decided.
  static let roundsBetweenLooks = 5
  private static let roundsBetweenPrunings = 60

  enum Event: Sendable {
    case calls
    case change(ApprovalRequest)
    case round
  }

  private struct Waiter {
    var ticket: HeldTicket
    var request: HeldRequestID?
    var digest: CallDigest
  }

  private let store: ApprovalStore
  private let calls: any WaitingCalls
  private let notifier: ApprovalNotifier
  private let logger: Logger

  /// Who waits for each approval, in the order in which they came.
  private var waiters: [String: [Waiter]] = [:]
  private var approvals: [HeldTicket: String] = [:]
  private var tickets: [HeldRequestID: HeldTicket] = [:]
  /// Taken from the workers and not yet dealt with; bounded by what workers hold.
  private var unasked: [HeldCall] = []
  private var cancelled: [HeldRequestID] = []
  /// Those of them that wait no longer: they are asked for all the same, for when their agents come back.
  private var gone: Set<HeldTicket> = []
  private var rounds = 0
  /// What has been asked and decided since the start, and what fails.
  private var counted = GatewayStatus.Approvals()

  private var tasks: [Task<Void, Never>] = []
  private var source: (any DispatchSourceRead)?
  private var feed: AsyncStream<Event>.Continuation?

  init(
    store: ApprovalStore, calls: any WaitingCalls, notifier: ApprovalNotifier, logger: Logger
  ) {
    self.store = store
    self.calls = calls
    self.notifier = notifier
    self.logger = logger
  }

  /// What has been asked and decided since the start.
  var tally: GatewayStatus.Approvals {
    var tally = counted
    if tally.problem == nil { tally.problem = notifier.problem }
    return tally
  }

  // MARK: The loop

  func start() {
    let (events, feed) = AsyncStream<Event>.makeStream(bufferingPolicy: .bufferingNewest(16384))
    self.feed = feed
    let calls = calls
    let source = DispatchSource.makeReadSource(
      fileDescriptor: calls.wakeDescriptor, queue: DispatchQueue(label: "approvals"))
    source.setEventHandler {
      calls.acknowledgeWake()
      feed.yield(.calls)
    }
    source.resume()
    self.source = source
    let changes = store.changes()
    tasks = [
      Task { for await change in changes { feed.yield(.change(change)) } },
      Task {
        while !Task.isCancelled {
          try? await Task.sleep(for: .seconds(1))
          feed.yield(.round)
        }
      },
      Task { [weak self] in
        for await event in events { await self?.handle(event) }
      },
    ]
  }

  func stop() {
    source?.cancel()
    source = nil
    feed?.finish()
    for task in tasks { task.cancel() }
    tasks = []
    notifier.stop()
  }

  /// Deals with one event, and with all that workers have told meanwhile.
  func handle(_ event: Event) async {
    switch event {
    case .calls: break
    case .change(let request): await settle(request)
    case .round: await round()
    }
    await takeCalls()
  }

  private func round() async {
    rounds += 1
    do {
      try await store.sweep(prunes: rounds % Self.roundsBetweenPrunings == 0)
      counted.problem = nil
      guard rounds % Self.roundsBetweenLooks == 0, !waiters.isEmpty else { return }
      for request in try await store.requests(states: [.approved, .denied], limit: 1000) {
        await settle(request)
      }
    } catch {
      if counted.problem == nil {
        logger.error("the store for approvals fails", metadata: ["problem": "\(error)"])
      }
      counted.problem = "\(error)"
    }
  }

  // MARK: From the workers

  /// Takes over what workers have told. Who waits no longer is forgotten at once.
  private func collect() {
    while let message = calls.next() {
      switch message {
      case .held(let call): unasked.append(call)
      case .left(let ticket):
        if unasked.contains(where: { $0.ticket == ticket }) { gone.insert(ticket) }
        forget(ticket)
      case .cancelled(let request): cancelled.append(request)
      }
    }
  }

  private func takeCalls() async {
    collect()
    while !unasked.isEmpty {
      let batch = Array(unasked.prefix(Self.batchMax))
      unasked.removeFirst(batch.count)
      await ask(batch)
      collect()
    }
    for request in cancelled {
      guard let ticket = tickets[request] else { continue }
      answer(ticket, .over(.cancelled, approval: approvals[ticket] ?? ""))
    }
    cancelled.removeAll()
  }

  private func ask(_ batch: [HeldCall]) async {
    let admissions = await store.ask(for: batch.map(ApprovalQuestion.init))
    for (call, admission) in zip(batch, admissions) {
      switch admission {
      case .failure(let error):
        gone.remove(call.ticket)
        refuse(call, error)
      case .success((let request, let isNew)):
        if isNew {
          counted.asked += 1
          notifier.notify(request)
        }
        if gone.remove(call.ticket) != nil { continue }
        wait(call, for: request.id)
        if request.state == .pending {
          calls.answer(call.ticket, .waiting(approval: request.id))
        } else {
          await settle(request)
        }
      }
    }
  }

  private func refuse(_ call: HeldCall, _ error: ApprovalAdmissionError) {
    counted.refused += 1
    let end: HeldEnd =
      switch error {
      case .tooManyPending: .tooManyPending
      case .tooManyPendingOfPrincipal: .tooManyPendingOfPrincipal
      case .store: .storeFailed
      }
    logger.warning(
      "a held call could not be put before reviewers",
      metadata: [
        "principal": "\(call.principal)", "server": "\(call.server)", "tool": "\(call.tool)",
        "rule": "\(call.rule)", "ref": "\(call.reference)", "problem": "\(error)",
      ])
    calls.answer(call.ticket, .over(end, approval: ""))
  }

  private func wait(_ call: HeldCall, for id: String) {
    waiters[id, default: []].append(
      Waiter(ticket: call.ticket, request: call.request, digest: call.digest))
    approvals[call.ticket] = id
    if let request = call.request { tickets[request] = call.ticket }
  }

  private func forget(_ ticket: HeldTicket) {
    guard let id = approvals.removeValue(forKey: ticket) else { return }
    guard let place = waiters[id]?.firstIndex(where: { $0.ticket == ticket }),
      let waiter = waiters[id]?.remove(at: place)
    else { return }
    if let request = waiter.request, tickets[request] == ticket { tickets[request] = nil }
    if waiters[id]?.isEmpty == true { waiters[id] = nil }
  }

  // MARK: To the workers

  private func answer(_ ticket: HeldTicket, _ answer: HeldAnswer) {
    if !calls.answer(ticket, answer) {
      // Its worker ends the wait by itself in time, and the call has not run.
      logger.error("a worker does not take what became of a held call")
    }
    forget(ticket)
  }

  /// Tells everybody who waits for a request what became of it.
  private func settle(_ request: ApprovalRequest) async {
    guard waiters[request.id] != nil else { return }
    let names = request.decisions.map(\.reviewer)
    let reason = request.decisions.last?.reason ?? ""
    switch request.state {
    case .pending: return
    case .approved: await grant(request)
    case .denied:
      counted.denied += UInt64(waiters[request.id]?.count ?? 0)
      let deniers = request.decisions.filter { $0.word == .deny }
      answerAll(
        request.id,
        .denied(
          approval: request.id, reviewers: deniers.map(\.reviewer),
          reason: deniers.last?.reason ?? reason))
    case .expired: answerAll(request.id, .over(.expired, approval: request.id))
    case .consumed: answerAll(request.id, .over(.usedUp, approval: request.id))
    case .cancelled: answerAll(request.id, .over(.policyChanged, approval: request.id))
    }
    if request.state != .approved {
      logger.info(
        "a held call was not approved",
        metadata: [
          "approval": "\(request.id)", "state": "\(request.state.rawValue)",
          "reviewers": "\(names.joined(separator: ", "))",
        ])
    }
  }

  private func answerAll(_ id: String, _ answer: HeldAnswer) {
    for waiter in waiters[id] ?? [] { self.answer(waiter.ticket, answer) }
  }

  /// Uses the approval up for the first who still waits; the others have to ask again.
  private func grant(_ request: ApprovalRequest) async {
    // Whoever has gone meanwhile must not use it up.
    collect()
    guard let waiter = waiters[request.id]?.first, calls.hasRoom(for: waiter.ticket) else { return }
    let consumed: ApprovalRequest?
    do {
      consumed = try await store.consume(request.id, digest: waiter.digest.hexadecimal)
    } catch {
      logger.error(
        "an approval could not be used up",
        metadata: ["approval": "\(request.id)", "problem": "\(error)"])
      return answer(waiter.ticket, .over(.storeFailed, approval: request.id))
    }
    guard let consumed else {
      // Used up by another process, expired, or void: whatever it is now.
      if let now = try? await store.request(request.id), now.state != .approved {
        await settle(now)
      }
      return
    }
    counted.granted += 1
    let approvals = consumed.decisions.filter { $0.word == .approve }
    answer(
      waiter.ticket,
      .granted(
        approval: consumed.id, digest: waiter.digest, reviewers: approvals.map(\.reviewer),
        reason: approvals.last?.reason ?? ""))
    logger.info(
      "an approved call goes ahead",
      metadata: [
        "approval": "\(consumed.id)", "principal": "\(consumed.principal)",
        "server": "\(consumed.server)", "tool": "\(consumed.tool)",
        "reviewers": "\(approvals.map(\.reviewer).joined(separator: ", "))",
      ])
  }
}

extension ApprovalQuestion {
  init(_ held: HeldCall) {
    let revision = String(held.policyRevision, radix: 16)
    let call = ApprovalCall(
      digest: held.digest.hexadecimal, principal: held.principal,
      person: held.person.map(Person.subject) ?? Person.account(held.principal),
      groups: held.groups, server: held.server, tool: held.tool, arguments: held.arguments,
      rule: held.rule, message: held.message,
      policyRevision: String(repeating: "0", count: 16 - revision.count) + revision,
      reference: held.reference, reviewerGroups: held.reviewers, quorum: held.quorum)
    self.init(call, lifetime: Double(held.expiresMilliseconds) / 1000)
  }
}
