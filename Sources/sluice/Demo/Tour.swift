import ExampleServer
import Foundation
import PlainJSON
import Recorder

/// The tour of the demo: four calls an agent makes, and the record of them. Every outcome is checked, and told
/// as it really was.
struct Tour: Sendable {
  let narrator: Narrator
  /// Where the agent calls: the gateway.
  let agent: TourClient
  /// What the server really holds, read past the gateway.
  let database: ShopDatabase
  /// The gateway's record.
  let record: AuditCommands
  let reviewer: TourReviewer

  static let maskedColumns = ["email", "ssn", "card_number"]

  /// Takes the whole tour. True when every outcome was as it should be.
  func run() async throws -> Bool {
    var isRight = try await showAllowed()
    isRight = try await showMasked() && isRight
    let (isBlocked, reference) = try await showBlocked()
    isRight = isBlocked && isRight
    isRight = try await showApproval() && isRight
    guard try await showRecord(blockedReference: reference) else { return false }
    isRight = try await showSession() && isRight
    return try showProof() && isRight
  }

  // MARK: Three calls without a human

  private func showAllowed() async throws -> Bool {
    narrator.heading(1, "A question the policy allows")
    let sql = """
      SELECT product, count(*) AS orders, sum(total) AS revenue FROM orders \
      GROUP BY product ORDER BY revenue DESC LIMIT 3
      """
    let answer = try await ask(sql)
    let truth = try await database.run(sql)
    guard let rows = answer.rows else { return complain("The query was not answered.", answer) }
    narrator.lines(table(truth.columns, rows))
    guard try rows == Self.asRead(truth.rows) else {
      return complain("These are not the rows the database holds.", answer)
    }
    narrator.success("Allowed: passed on, answered, and nothing in the answer was changed.")
    return true
  }

  private func showMasked() async throws -> Bool {
    narrator.heading(2, "Personal data, masked on its way out")
    let sql = "SELECT name, city, email, ssn, card_number FROM customers ORDER BY id LIMIT 3"
    let answer = try await ask(sql)
    let truth = try await database.run(sql)
    narrator.say(narrator.style.dim("The database holds"))
    narrator.lines(table(truth.columns, truth.rows))
    guard let rows = answer.rows else { return complain("The query was not answered.", answer) }
    narrator.say(narrator.style.dim("The agent gets"))
    narrator.lines(table(truth.columns, rows, highlighted: Self.maskedColumns))
    for (row, original) in zip(rows, truth.rows) {
      guard row["name"] == original["name"], row["city"] == original["city"] else {
        return complain("A field that no rule masks was changed.", answer)
      }
    }
    // Neither the rows, nor the same rows as text, nor anything else in the answer may hold a masked value.
    let secrets = truth.rows.flatMap { row in Self.maskedColumns.compactMap { row[$0]?.text } }
    guard rows.count == truth.rows.count, !secrets.isEmpty else {
      return complain("Rows are missing.", answer)
    }
    if let leaked = secrets.first(where: answer.reply.body.contains) {
      return complain("The answer still holds \(leaked).", answer)
    }
    narrator.success("Masked: the real values never left the gateway, in whatever form they came.")
    return true
  }

  private func showBlocked() async throws -> (isRight: Bool, reference: String?) {
    narrator.heading(3, "And the call nobody wants to explain on Monday")
    let answer = try await ask("DROP TABLE customers")
    let text = answer.result?["content"]?[0]?["text"]?.text ?? ""
    let remaining = try? await database.run("SELECT count(*) AS n FROM customers")
    let count = remaining?.rows.first?["n"]?.integer
    guard answer.result?["isError"] == true, let reference = Self.reference(in: text) else {
      return (complain("It was not blocked; customers left: \(count ?? 0).", answer), nil)
    }
    narrator.quote("It is told", text)
    guard count == 40 else {
      return (
        complain("Blocked, and yet \(count ?? 0) customers are left of 40.", answer), reference
      )
    }
    narrator.success(
      "Blocked: the server never saw it. The table is still there, with 40 customers.")
    return (true, reference)
  }

  // MARK: What they share

  struct Answer {
    var reply: TourClient.Reply
    var result: JSONValue? { reply.message?["result"] }
    var rows: [JSONValue]? {
      guard reply.status == 200, result?["isError"] != true else { return nil }
      return result?["structuredContent"]?["rows"]?.elements
    }
  }

  private func ask(_ sql: String) async throws -> Answer {
    narrator.quote("The agent asks", sql)
    return Answer(
      reply: try await agent.call(tool: "query", arguments: ["sql": .string(sql)]))
  }

  func complain(_ text: String, _ answer: Answer) -> Bool {
    narrator.failure(text)
    narrator.say("The answer was: HTTP \(answer.reply.status) \(answer.reply.body.prefix(400))")
    return false
  }

  private func table(
    _ columns: [String], _ rows: [JSONValue], highlighted: [String] = []
  ) -> [String] {
    TextTable(columns: columns, rows: rows).lines(headingStyle: narrator.style.bold) {
      column, cell in
      highlighted.contains(column) ? narrator.style.yellow(cell) : cell
    }
  }

  /// Rows as they are after a trip through JSON, which knows no difference between 21879 and 21879.0.
  private static func asRead(_ rows: [JSONValue]) throws -> [JSONValue] {
    try JSONValue(parsing: JSONValue.array(rows).json.utf8).elements ?? []
  }

  /// `… Ref 01K3ZJ9Q.` -> `01K3ZJ9Q`
  static func reference(in text: String) -> String? {
    guard let range = text.range(of: "Ref ", options: .backwards) else { return nil }
    let reference = text[range.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "-" }
    return reference.isEmpty ? nil : String(reference)
  }
}
