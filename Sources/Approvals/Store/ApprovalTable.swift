internal import Foundation
internal import GRDB

/// Every statement on the tables. Each runs inside a transaction that the store has opened.
struct ApprovalTable {
  let database: Database
  let now: Int64

  // MARK: Reading

  func request(_ id: String) throws -> ApprovalRequest? {
    try rows("WHERE id = ?", [id]).first
  }

  /// The request that an identical call joins: an open one, or one that was denied and has not expired.
  func current(digest: String) throws -> ApprovalRequest? {
    try rows(
      """
      WHERE digest = ? AND expires > ? AND state IN ('pending', 'approved', 'denied')
      ORDER BY created DESC LIMIT 1
      """, [digest, now]
    ).first
  }

  func requests(states: Set<ApprovalState>, limit: Int) throws -> [ApprovalRequest] {
    let names = states.map(\.rawValue).sorted()
    let places = names.map { _ in "?" }.joined(separator: ", ")
    let filter = names.isEmpty ? "" : "WHERE state IN (\(places))"
    return try rows(
      "\(filter) ORDER BY created DESC, id DESC LIMIT ?", StatementArguments(names) + [limit])
  }

  func pendingCount(of principal: String? = nil) throws -> Int {
    let filter = principal == nil ? "" : "AND principal = ?"
    return try Int.fetchOne(
      database, sql: "SELECT COUNT(*) FROM approval WHERE state = 'pending' \(filter)",
      arguments: principal.map { [$0] } ?? []) ?? 0
  }

  /// How many there are of each state.
  func counts() throws -> [ApprovalState: Int] {
    let rows = try Row.fetchAll(
      database, sql: "SELECT state, COUNT(*) AS number FROM approval GROUP BY state")
    var counts: [ApprovalState: Int] = [:]
    for row in rows {
      let state: String = row["state"]
      if let state = ApprovalState(rawValue: state) { counts[state] = row["number"] }
    }
    return counts
  }

  /// When the oldest of those that wait was asked; nil when none does.
  func oldestPending() throws -> Date? {
    let milliseconds = try Int64.fetchOne(
      database, sql: "SELECT MIN(created) FROM approval WHERE state = 'pending'")
    return milliseconds.map(Date.init(milliseconds:))
  }

  private func rows(_ filter: String, _ arguments: StatementArguments) throws -> [ApprovalRequest] {
    try Row.fetchAll(database, sql: "SELECT * FROM approval \(filter)", arguments: arguments)
      .map(request)
  }

  private func request(_ row: Row) throws -> ApprovalRequest {
    let id: String = row["id"]
    let state: String = row["state"]
    guard let state = ApprovalState(rawValue: state) else {
      throw DatabaseError(message: "approval \(id) is in a state that this version does not know")
    }
    return ApprovalRequest(
      id: id, call: call(row), created: Date(milliseconds: row["created"]),
      expires: Date(milliseconds: row["expires"]), state: state, decisions: try decisions(id))
  }

  private func call(_ row: Row) -> ApprovalCall {
    func lines(_ column: String) -> [String] {
      let text: String = row[column]
      return text.split(separator: "\n").map(String.init)
    }
    return ApprovalCall(
      digest: row["digest"], principal: row["principal"], person: row["person"],
      groups: lines("principal_groups"), server: row["server"], tool: row["tool"],
      arguments: row["arguments"], rule: row["rule"], message: row["message"],
      policyRevision: row["policy_revision"], reference: row["reference"],
      reviewerGroups: lines("reviewer_groups"), quorum: row["quorum"])
  }

  private func decisions(_ id: String) throws -> [ApprovalDecision] {
    try Row.fetchAll(
      database, sql: "SELECT * FROM decision WHERE approval = ? ORDER BY time, person",
      arguments: [id]
    ).map { row in
      let word: String = row["word"]
      guard let word = ApprovalDecision.Word(rawValue: word) else {
        throw DatabaseError(message: "a decision on \(id) is one that this version does not know")
      }
      return ApprovalDecision(
        reviewer: row["reviewer"], person: row["person"], word: word, reason: row["reason"],
        time: Date(milliseconds: row["time"]))
    }
  }

  // MARK: Writing

  func insert(_ request: ApprovalRequest) throws {
    try database.execute(
      sql: """
        INSERT INTO approval (id, digest, principal, person, principal_groups, server, tool,
          arguments, rule, message, policy_revision, reference, reviewer_groups, quorum, created,
          expires, state, changed)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        request.id, request.digest, request.principal, request.person,
        request.groups.joined(separator: "\n"), request.server, request.tool, request.arguments,
        request.rule, request.message, request.policyRevision, request.reference,
        request.reviewerGroups.joined(separator: "\n"), request.quorum,
        request.created.milliseconds, request.expires.milliseconds, request.state.rawValue, now,
      ])
  }

  /// False when this person has decided already.
  func insert(_ decision: ApprovalDecision, on id: String) throws -> Bool {
    try database.execute(
      sql: """
        INSERT INTO decision (approval, person, reviewer, word, reason, time)
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """,
      arguments: [
        id, decision.person, decision.reviewer, decision.word.rawValue, decision.reason,
        decision.time.milliseconds,
      ])
    return database.changesCount == 1
  }

  /// Changes the state of a request that is pending.
  func settle(_ id: String, _ state: ApprovalState) throws {
    try database.execute(
      sql: "UPDATE approval SET state = ?, changed = ? WHERE id = ? AND state = 'pending'",
      arguments: [state.rawValue, now, id])
  }

  /// Uses up an approval: true for exactly one caller, whoever asks at the same time.
  func consume(_ id: String, digest: String) throws -> Bool {
    try Row.fetchAll(
      database,
      sql: """
        UPDATE approval SET state = 'consumed', changed = :now
        WHERE id = :id AND digest = :digest AND state = 'approved' AND expires > :now
        RETURNING id
        """, arguments: ["now": now, "id": id, "digest": digest]
    ).count == 1
  }

  /// Ends what is overdue; returns the ids.
  func expire() throws -> [String] {
    try String.fetchAll(
      database,
      sql: """
        UPDATE approval SET state = 'expired', changed = :now
        WHERE state IN ('pending', 'approved') AND expires <= :now RETURNING id
        """, arguments: ["now": now])
  }

  /// Ends what was asked under another policy; returns the ids.
  func cancel(allBut revision: String) throws -> [String] {
    try String.fetchAll(
      database,
      sql: """
        UPDATE approval SET state = 'cancelled', changed = :now
        WHERE state IN ('pending', 'approved') AND policy_revision <> :revision RETURNING id
        """, arguments: ["now": now, "revision": revision])
  }

  /// Forgets what has been over since before `time`; returns how many.
  func prune(before time: Int64) throws -> Int {
    try database.execute(
      sql: """
        DELETE FROM approval WHERE state NOT IN ('pending', 'approved') AND changed < :time
          AND expires < :time
        """, arguments: ["time": time])
    return database.changesCount
  }
}
