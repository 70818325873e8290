internal import PlainJSON

/// The tools of the example server: what `tools/list` shows and what `tools/call` runs.
struct ShopTools: Sendable {
  let database: ShopDatabase

  /// What a tool gave back: structured content with the same as text, or an error in words.
  enum Outcome {
    case success(JSONValue)
    case failure(String)
    case unknownTool
  }

  func call(_ name: String, arguments: JSONValue) async -> Outcome {
    do {
      switch name {
      case "list_tables": return .success(try await listTables())
      case "describe_table": return .success(try await describeTable(text("table", arguments)))
      case "query": return .success(try await query(text("sql", arguments)))
      case "customer_card": return .success(try await customerCard(arguments))
      default: return .unknownTool
      }
    } catch {
      return .failure(error.description)
    }
  }

  private typealias Failure = ShopDatabase.QueryError

  private func text(_ name: String, _ arguments: JSONValue) throws(Failure) -> String {
    guard let text = arguments[name]?.text else {
      throw Failure(description: "The argument '\(name)' must be a string.")
    }
    return text
  }

  private func listTables() async throws(Failure) -> JSONValue {
    let result = try await database.run(
      "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return ["tables": .array(result.rows.compactMap { $0["name"] })]
  }

  private func describeTable(_ table: String) async throws(Failure) -> JSONValue {
    let result = try await database.run(
      "SELECT name, type, \"notnull\" AS required FROM pragma_table_info(?) ORDER BY cid",
      arguments: [.string(table)])
    if result.rows.isEmpty { throw Failure(description: "There is no table '\(table)'.") }
    return ["table": .string(table), "columns": .array(result.rows)]
  }

  private func query(_ sql: String) async throws(Failure) -> JSONValue {
    let result = try await database.run(sql)
    return [
      "columns": .array(result.columns.map { .string($0) }),
      "rows": .array(result.rows),
      "row_count": .integer(Int64(result.rows.count)),
      "changed_rows": .integer(Int64(result.changedRows)),
    ]
  }

  /// A customer as a nested document, for masks that go by path (`customer.card.number`).
  private func customerCard(_ arguments: JSONValue) async throws(Failure) -> JSONValue {
    guard let id = arguments["customer_id"]?.integer else {
      throw Failure(description: "The argument 'customer_id' must be an integer.")
    }
    let found = try await database.run(
      "SELECT * FROM customers WHERE id = ?", arguments: [.integer(id)])
    guard let row = found.rows.first else {
      throw Failure(description: "There is no customer \(id).")
    }
    let orders = try await database.run(
      """
      SELECT id, placed_on, product, total, status FROM orders
      WHERE customer_id = ? ORDER BY placed_on DESC, id LIMIT 5
      """, arguments: [.integer(id)])
    func field(_ name: String) -> JSONValue { row[name] ?? .null }
    return [
      "customer": [
        "id": field("id"), "name": field("name"), "email": field("email"),
        "phone": field("phone"), "ssn": field("ssn"),
        "card": ["number": field("card_number"), "expires": field("card_expires")],
        "address": ["street": field("street"), "city": field("city"), "state": field("state")],
      ],
      "recent_orders": .array(orders.rows),
    ]
  }
}
