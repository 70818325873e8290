/// Lines of cells in columns that stay where they are, for a terminal: each cell is made safe, cut to its column's width, and the
/// line ends with its last character.
///
///     TIME (UTC)               REF            PRINCIPAL
///     2026-11-23 14:31:07.042  06mc3v55g0800  corp/alice@exam…
struct TextColumns {
  let columns: [(title: String, width: Int)]

  init(_ columns: [(title: String, width: Int)]) { self.columns = columns }

  var header: String { row(columns.map(\.title)) }

  /// - Parameter cells: one for each column.
  func row(_ cells: [String]) -> String {
    var line = ""
    for (cell, column) in zip(cells, columns) {
      let safe = SafeText.line(cell)
      let shown = safe.count <= column.width ? safe : safe.prefix(column.width - 1) + "…"
      line += shown + String(repeating: " ", count: column.width - shown.count + 2)
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
