import Foundation
import GRDB
import GRDBSQLite
public import PlainJSON

/// A small shop in SQLite: customers with personal data, and their orders.
///
/// It runs whatever SQL it is given, as many real servers do: keeping an agent from `DROP TABLE` is the gateway's
/// work. Only what would reach outside the database (ATTACH, VACUUM INTO) and what would never end is cut off.
public final class ShopDatabase: Sendable {
  /// Where the database lives.
  public enum Storage: Sendable {
    case inMemory
    /// A file that is made anew: what was there before is removed.
    case file(String)
  }

  /// What one statement, or the last of several, gave back.
  public struct Result: Sendable, Equatable {
    /// Names of the columns, empty for a statement that returns none.
    public var columns: [String]
    /// One object per row, members in the order of the columns.
    public var rows: [JSONValue]
    /// Rows inserted, changed or deleted by all statements.
    public var changedRows: Int
  }

  /// Why a query gave no result, in words for whoever asked.
  public struct QueryError: Error, CustomStringConvertible {
    public var description: String
  }

  /// More rows than this are an error: the asker should use LIMIT.
  static let rowsMax = 5000
  /// A query that runs longer is interrupted.
  static let queryDuration = Duration.seconds(5)

  private let queue: DatabaseQueue

  public init(storage: Storage = .inMemory) throws {
    var configuration = Configuration()
    configuration.label = "shop"
    // As in SQLite itself, and so that DROP TABLE customers does what it says.
    configuration.foreignKeysEnabled = false
    configuration.prepareDatabase { database in
      unsafe _ = sqlite3_limit(database.sqliteConnection, SQLITE_LIMIT_ATTACHED, 0)
    }
    switch storage {
    case .inMemory:
      queue = try DatabaseQueue(configuration: configuration)
    case .file(let path):
      for suffix in ["", "-wal", "-shm", "-journal"]
      where FileManager.default.fileExists(atPath: path + suffix) {
        try FileManager.default.removeItem(atPath: path + suffix)
      }
      queue = try DatabaseQueue(path: path, configuration: configuration)
    }
    try queue.write { try Self.seed($0) }
  }

  /// Runs SQL: one statement, or several separated by semicolons, of which the last one's rows are returned.
  public func run(_ sql: String, arguments: [JSONValue] = []) async throws(QueryError) -> Result {
    let queue = queue
    let watchdog = Task {
      try await Task.sleep(for: Self.queryDuration)
      queue.interrupt()
    }
    defer { watchdog.cancel() }
    do {
      return try await queue.writeWithoutTransaction { database in
        let outcome = Swift.Result { try Self.run(sql, arguments, database) }
        // A caller's BEGIN without COMMIT must not leak into the next caller's query.
        if database.isInsideTransaction { try database.rollback() }
        return try outcome.get()
      }
    } catch let error as QueryError {
      throw error
    } catch let error as DatabaseError {
      let isInterrupted = error.resultCode == .SQLITE_INTERRUPT
      throw QueryError(
        description: isInterrupted
          ? "The query took more than \(Self.queryDuration) and was stopped."
          : "SQL error: \(error.message ?? "\(error.resultCode)")")
    } catch {
      throw QueryError(description: "The database failed: \(error)")
    }
  }

  private static func run(
    _ sql: String, _ arguments: [JSONValue], _ database: Database
  ) throws -> Result {
    let changesBefore = database.totalChangesCount
    var result = Result(columns: [], rows: [], changedRows: 0)
    let bound = StatementArguments(arguments.map(Self.databaseValue))
    let statements = try database.allStatements(
      sql: sql, arguments: arguments.isEmpty ? nil : bound)
    while let statement = try statements.next() {
      result.columns = statement.columnNames
      result.rows = []
      let rows = try Row.fetchCursor(statement)
      while let row = try rows.next() {
        if result.rows.count == rowsMax {
          throw QueryError(description: "More than \(rowsMax) rows. Use LIMIT.")
        }
        result.rows.append(object(row))
      }
    }
    result.changedRows = database.totalChangesCount - changesBefore
    return result
  }

  private static func object(_ row: Row) -> JSONValue {
    .object(row.map { .init(name: $0.0, value: value($0.1)) })
  }

  private static func value(_ value: DatabaseValue) -> JSONValue {
    switch value.storage {
    case .null: .null
    case .int64(let integer): .integer(integer)
    case .double(let number): .number(number)
    case .string(let text): .string(text)
    case .blob(let bytes): .string(bytes.base64EncodedString())
    }
  }

  private static func databaseValue(_ value: JSONValue) -> DatabaseValue {
    switch value {
    case .bool(let bool): bool.databaseValue
    case .integer(let integer): integer.databaseValue
    case .number(let number): number.databaseValue
    case .string(let text): text.databaseValue
    case .null, .array, .object: .null
    }
  }
}
