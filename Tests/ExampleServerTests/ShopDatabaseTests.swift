import ExampleServer
import Foundation
import PlainJSON
import Testing

@Suite struct ShopDatabaseTests {
  @Test func everyStartHoldsTheSameData() async throws {
    let sql = "SELECT * FROM customers; SELECT * FROM orders"
    let first = try await ShopDatabase().run(sql)
    let second = try await ShopDatabase().run(sql)
    #expect(first == second)
    #expect(first.rows.count == 200)
  }

  @Test func customersAreFortyAndLookReal() async throws {
    let rows = try await ShopDatabase().run("SELECT * FROM customers ORDER BY id").rows
    #expect(rows.count == 40)
    #expect(Set(rows.compactMap { $0["name"]?.text }).count == 40)
    #expect(Set(rows.compactMap { $0["email"]?.text }).count == 40)
    for row in rows {
      let ssn = try #require(row["ssn"]?.text)
      #expect(ssn.wholeMatch(of: /[1-6]\d\d-(?!00)\d\d-[1-9]\d{3}/) != nil, "\(ssn)")
      let card = try #require(row["card_number"]?.text)
      #expect(card.wholeMatch(of: /\d{4} \d{4} \d{4} \d{4}/) != nil, "\(card)")
      #expect(luhnSum(card).isMultiple(of: 10), "\(card)")
      #expect(row["email"]?.text?.wholeMatch(of: /[a-z]+\.[a-z]+@example\.(com|net|org)/) != nil)
    }
  }

  private func luhnSum(_ card: String) -> Int {
    card.compactMap(\.wholeNumberValue).reversed().enumerated().reduce(0) { sum, digit in
      let value = digit.offset.isMultiple(of: 2) ? digit.element : digit.element * 2
      return sum + (value > 9 ? value - 9 : value)
    }
  }

  @Test func everyOrderBelongsToACustomer() async throws {
    let result = try await ShopDatabase().run(
      "SELECT count(*) AS lost FROM orders WHERE customer_id NOT IN (SELECT id FROM customers)")
    #expect(result.rows == [["lost": 0]])
  }

  @Test func columnsKeepTheirOrder() async throws {
    let result = try await ShopDatabase().run(
      "SELECT 2 AS zebra, 1.5 AS ant, NULL AS mole, 'x' AS bee")
    #expect(result.columns == ["zebra", "ant", "mole", "bee"])
    #expect(result.rows[0].json == #"{"zebra":2,"ant":1.5,"mole":null,"bee":"x"}"#)
  }

  @Test func destructiveStatementsReallyRun() async throws {
    let shop = try ShopDatabase()
    let deleted = try await shop.run("DELETE FROM orders WHERE id <= 1010")
    #expect(deleted.changedRows == 10)
    _ = try await shop.run("DROP TABLE customers; DROP TABLE orders")
    await #expect(throws: ShopDatabase.QueryError.self) {
      try await shop.run("SELECT * FROM orders")
    }
  }

  @Test func errorsNameTheTrouble() async throws {
    let shop = try ShopDatabase()
    await #expect {
      try await shop.run("SELECT * FROM nowhere")
    } throws: {
      "\($0)".contains("no such table: nowhere")
    }
    await #expect {
      try await shop.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
    } throws: {
      "\($0)".contains("Use LIMIT")
    }
  }

  @Test func anOpenTransactionDoesNotLeakIntoTheNextQuery() async throws {
    let shop = try ShopDatabase()
    _ = try await shop.run("BEGIN; DELETE FROM orders")
    #expect(try await shop.run("SELECT count(*) AS n FROM orders").rows == [["n": 200]])
  }

  @Test func nothingOutsideTheDatabaseIsReached() async throws {
    let shop = try ShopDatabase()
    let target = NSTemporaryDirectory() + "sluice-shop-\(UUID().uuidString).db"
    for sql in ["ATTACH '\(target)' AS other", "VACUUM INTO '\(target)'"] {
      await #expect(throws: ShopDatabase.QueryError.self) { try await shop.run(sql) }
    }
    #expect(!FileManager.default.fileExists(atPath: target))
  }

  @Test func aFileIsMadeAnewAtEachStart() async throws {
    let path = NSTemporaryDirectory() + "sluice-shop-\(UUID().uuidString).db"
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = try await ShopDatabase(storage: .file(path)).run("DELETE FROM customers")
    let again = try ShopDatabase(storage: .file(path))
    #expect(try await again.run("SELECT count(*) AS n FROM customers").rows == [["n": 40]])
  }
}
