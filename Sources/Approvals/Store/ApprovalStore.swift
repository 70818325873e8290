public import Foundation
internal import GRDB
internal import Synchronization

/// The approvals of one gateway in an SQLite file: requests, decisions, and grants that can be used once.
///
/// Every change is one transaction, synced to the disk before it is reported: what was consumed stays consumed, also when the
/// power fails right after. Several processes may open the file; each statement looks at what is there, not at what
/// this process remembers. Nothing is held in memory but the listeners to `changes()`.
public actor ApprovalStore: ApprovalService {
  public nonisolated let limits: ApprovalLimits
  private let queue: DatabaseQueue
  private nonisolated let listeners = ChangeListeners()
  private nonisolated let clock: @Sendable () -> Date

  /// Opens the file, and makes it (readable by its owner only) when it is not there.
  /// - Parameters:
  ///   - path: absolute or relative to the working directory; its folder must exist.
  ///   - clock: what time it is; tests bring their own.
  /// - Throws: `ApprovalError.store` with what is wrong, in words for whoever runs the gateway.
  public init(
    path: String, limits: ApprovalLimits = ApprovalLimits(),
    clock: @escaping @Sendable () -> Date = { Date() }
  ) throws(ApprovalError) {
    self.limits = limits
    self.clock = clock
    do {
      try Self.prepareFile(path)
      var configuration = GRDB.Configuration()
      configuration.label = "approvals"
      // Another process (a backup, a second gateway) may hold the file for a moment.
      configuration.busyMode = .timeout(5)
      configuration.foreignKeysEnabled = true
      configuration.prepareDatabase { database in
        try database.execute(sql: "PRAGMA journal_mode = WAL")
        // A grant that was used up must not come back after a power failure.
        try database.execute(sql: "PRAGMA synchronous = FULL")
      }
      queue = try DatabaseQueue(path: path, configuration: configuration)
      try ApprovalSchema.migrator.migrate(queue)
    } catch {
      throw .store("\(path): \(Self.text(error))")
    }
  }

  /// The file itself, before SQLite makes it with whatever the umask leaves; its journals get the same mode.
  private static func prepareFile(_ path: String) throws {
    let manager = FileManager.default
    let mode: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
    if manager.fileExists(atPath: path) {
      try manager.setAttributes(mode, ofItemAtPath: path)
    } else {
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
      guard manager.fileExists(atPath: folder) else {
        throw DatabaseError(message: "there is no folder \(folder)")
      }
      guard manager.createFile(atPath: path, contents: nil, attributes: mode) else {
        throw DatabaseError(message: "the file cannot be made")
      }
    }
  }

  // MARK: For the data path

  /// What became of a held call that was put before reviewers.
  public typealias Admission = Result<
    (request: ApprovalRequest, isNew: Bool), ApprovalAdmissionError
  >

  /// Puts a held call before its reviewers, or joins it to the request that an identical call made before. What comes back
  /// may be decided already: approved and waiting to be consumed, or denied.
  public func ask(
    for question: ApprovalQuestion
  ) async throws(ApprovalAdmissionError) -> (request: ApprovalRequest, isNew: Bool) {
    try await ask(for: [question])[0].get()
  }

  /// The same for many calls, in one transaction and so with one wait for the disk.
  /// - Returns: as many as there are questions, in their order.
  public func ask(for questions: [ApprovalQuestion]) async -> [Admission] {
    let now = clock()
    let limits = limits
    let admissions: [Admission]
    do {
      admissions = try await write(now) { table in
        var admission = ApprovalAdmission(table: table, limits: limits, now: now)
        return try questions.map { try admission.admit($0) }
      }
    } catch {
      let failure = ApprovalAdmissionError.store(Self.text(error))
      return questions.map { _ in .failure(failure) }
    }
    for case .success((let request, true)) in admissions { listeners.tell(request) }
    return admissions
  }

  /// Uses up an approval for the call it was given for. The request when it is done: then, and only then, the call may be
  /// sent, once. Nil when there is nothing (left) to use up.
  public func consume(
    _ id: String, digest: String
  ) async throws(ApprovalError) -> ApprovalRequest? {
    do {
      let request = try await write(clock()) { table in
        try table.consume(id, digest: digest) ? try table.request(id) : nil
      }
      if let request { listeners.tell(request) }
      return request
    } catch {
      throw .store(Self.text(error))
    }
  }

  // MARK: For reviewers

  public func requests(
    states: Set<ApprovalState>, limit: Int
  ) async throws(ApprovalError) -> [ApprovalRequest] {
    do {
      return try await write(clock()) { try $0.requests(states: states, limit: max(0, limit)) }
    } catch {
      throw .store(Self.text(error))
    }
  }

  public func request(_ id: String) async throws(ApprovalError) -> ApprovalRequest {
    let found: ApprovalRequest?
    do {
      found = try await write(clock()) { try $0.request(id) }
    } catch {
      throw .store(Self.text(error))
    }
    guard let found else { throw .notFound }
    return found
  }

  public func decide(
    _ id: String, _ word: ApprovalDecision.Word, by reviewer: Reviewer, reason: String
  ) async throws(ApprovalError) -> ApprovalRequest {
    let now = clock()
    let decision = ApprovalDecision(
      reviewer: reviewer.name, person: reviewer.person, word: word,
      reason: String(reason.prefix(limits.reasonCharactersMax)), time: now)
    let outcome: Result<ApprovalRequest, ApprovalError>
    do {
      outcome = try await write(now) { table in
        try Self.decide(id, decision, reviewer, table)
      }
    } catch {
      throw .store(Self.text(error))
    }
    let request = try outcome.get()
    listeners.tell(request)
    return request
  }

  private static func decide(
    _ id: String, _ decision: ApprovalDecision, _ reviewer: Reviewer, _ table: ApprovalTable
  ) throws -> Result<ApprovalRequest, ApprovalError> {
    guard let request = try table.request(id) else { return .failure(.notFound) }
    guard !reviewer.groups.isDisjoint(with: request.reviewerGroups) else {
      return .failure(.notAReviewer)
    }
    guard !request.isAsked(by: reviewer) else { return .failure(.selfApproval) }
    guard request.state == .pending else { return .failure(.notPending(request.state)) }
    guard try table.insert(decision, on: id) else { return .failure(.alreadyDecidedByYou) }
    switch decision.word {
    case .deny: try table.settle(id, .denied)
    case .approve:
      if request.approvalCount + 1 >= request.quorum { try table.settle(id, .approved) }
    }
    guard let after = try table.request(id) else { return .failure(.notFound) }
    return .success(after)
  }

  public nonisolated func changes() -> AsyncStream<ApprovalRequest> { listeners.listen() }

  // MARK: Housekeeping

  /// How many approvals there are in each state (those that are over, for as long as they are kept), and since when the
  /// oldest of those that wait does.
  public func tally() async throws(ApprovalError) -> ApprovalTally {
    do {
      return try await write(clock()) { table in
        ApprovalTally(counts: try table.counts(), oldestPending: try table.oldestPending())
      }
    } catch {
      throw .store(Self.text(error))
    }
  }

  /// Ends what is overdue. To be called every second or so, for those who wait; nothing that has expired counts meanwhile.
  /// - Parameter prunes: also forgets what has been over for longer than `ApprovalLimits.retention`.
  public func sweep(prunes: Bool) async throws(ApprovalError) {
    do {
      let before = clock().addingTimeInterval(-limits.retention).milliseconds
      _ = try await write(clock()) { prunes ? try $0.prune(before: before) : 0 }
    } catch {
      throw .store(Self.text(error))
    }
  }

  /// Ends every request and every unused approval of another policy than the one in force.
  public func cancel(allBut policyRevision: String) async throws(ApprovalError) {
    do {
      let cancelled = try await write(clock()) { table in
        try table.cancel(allBut: policyRevision).compactMap { try table.request($0) }
      }
      for request in cancelled { listeners.tell(request) }
    } catch {
      throw .store(Self.text(error))
    }
  }

  // MARK: Transactions

  /// One transaction, which first ends what is overdue, so that nothing after it sees an approval that no longer counts.
  private func write<Value: Sendable>(
    _ now: Date, _ body: @escaping @Sendable (ApprovalTable) throws -> Value
  ) async throws -> Value {
    let (value, expired) = try await queue.write { database in
      let table = ApprovalTable(database: database, now: now.milliseconds)
      let expired = try table.expire().compactMap { try table.request($0) }
      return (try body(table), expired)
    }
    for request in expired { listeners.tell(request) }
    return value
  }

  private static func text(_ error: any Error) -> String {
    (error as? DatabaseError)?.message ?? "\(error)"
  }
}

/// Whoever listens to `ApprovalStore.changes()`.
final class ChangeListeners: Sendable {
  /// Changes that a listener may be behind; it loses the oldest beyond, and has to look at the store itself.
  static let backlogMax = 4096

  private let listeners = Mutex<[UUID: AsyncStream<ApprovalRequest>.Continuation]>([:])

  func listen() -> AsyncStream<ApprovalRequest> {
    let (stream, continuation) = AsyncStream<ApprovalRequest>.makeStream(
      bufferingPolicy: .bufferingNewest(Self.backlogMax))
    let id = UUID()
    listeners.withLock { $0[id] = continuation }
    continuation.onTermination = { [weak self] _ in
      self?.listeners.withLock { _ = $0.removeValue(forKey: id) }
    }
    return stream
  }

  func tell(_ request: ApprovalRequest) {
    let all = listeners.withLock { Array($0.values) }
    for listener in all { listener.yield(request) }
  }
}
