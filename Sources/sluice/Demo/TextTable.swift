import ExampleServer
import PlainJSON

/// Rows of a query as a small table for the terminal.
struct TextTable {
  var columns: [String]
  var rows: [[String]]

  init(columns: [String], rows: [JSONValue]) {
    self.columns = columns
    self.rows = rows.map { row in columns.map { Self.cell(row[$0] ?? .null) } }
  }

  init(columns: [String], cells: [[String]]) {
    self.columns = columns
    rows = cells
  }

  private static func cell(_ value: JSONValue) -> String {
    value.text ?? value.json
  }

  /// The lines of the table, each column as wide as its widest cell; `decorate` may colour a padded cell.
  func lines(
    headingStyle: (String) -> String,
    decorate: (_ column: String, _ cell: String) -> String = { $1 }
  ) -> [String] {
    let widths = columns.indices.map { index in
      ([columns[index]] + rows.map { $0[index] }).map(\.count).max() ?? 0
    }
    func padded(_ text: String, _ index: Int) -> String {
      index == columns.count - 1 ? text : text.padded(to: widths[index])
    }
    let heading = columns.indices.map { headingStyle(padded(columns[$0], $0)) }
    let body = rows.map { row in
      row.indices.map { decorate(columns[$0], padded(row[$0], $0)) }
    }
    return ([heading] + body).map { $0.joined(separator: "  ") }
  }
}
