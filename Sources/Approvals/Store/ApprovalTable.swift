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

  private func rows(_ filter: String, _ arguments: StatementArguments) throws -> [ApprovalRequest] {
    try Row.fetchAll(database, sql: "SELECT * FROM approval \(filter)", arguments: arguments)
      .map(request)
  }

  private func request(_ row: Row) throws -> ApprovalRequest {
    let id: String = row["id"]
    let groups: String = row["reviewer_groups"]
    let state: String = row["state"]
    guard let state = ApprovalState(rawValue: state) else {
      throw DatabaseError(message: "approval \(id) is in a state that this version does not know")
    }
    return ApprovalRequest(
      id: id, digest: row["digest"], principal: row["principal"], server: row["server"],
      tool: row["tool"], arguments: row["arguments"], rule: row["rule"], message: row["message"],
      policyRevision: row["policy_revision"], reference: row["reference"],
      reviewerGroups: groups.split(separator: "\n").map(String.init), quorum: row["quorum"],
      created: Date(milliseconds: row["created"]), expires: Date(milliseconds: row["expires"]),
      state: state, decisions: try decisions(id))
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
        reviewer: row["reviewer"], word: word, reason: row["reason"],
        time: Date(milliseconds: row["time"]))
    }
  }

  // MARK: Writing

  func insert(_ request: ApprovalRequest) throws {
    try database.execute(
      sql: """
        INSERT INTO approval (id, digest, principal, server, tool, arguments, rule, message,
          policy_revision, reference, reviewer_groups, quorum, created, expires, state, changed)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        request.id, request.digest, request.principal, request.server, request.tool,
        request.arguments, request.rule, request.message, request.policyRevision,
        request.reference, request.reviewerGroups.joined(separator: "\n"), request.quorum,
        request.created.milliseconds, request.expires.milliseconds, request.state.rawValue, now,
      ])
  }

  /// False when this person has decided already.
  func insert(_ decision: ApprovalDecision, person: String, on id: String) throws -> Bool {
    try database.execute(
      sql: """
        INSERT INTO decision (approval, person, reviewer, word, reason, time)
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """,
      arguments: [
        id, person, decision.reviewer, decision.word.rawValue, decision.reason,
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
