import ExampleServer
import PlainJSON
import Recorder

/// A call as the record shows it.
struct TourRecord: Sendable, Equatable {
  var reference: String
  /// `14:23:05`, UTC.
  var time: String
  var principal: String
  var tool: String
  var decision: String
  var rule: String?
  var maskedValues: Int
  /// Whether its end is on the record, and not only its beginning.
  var isClosed: Bool

  var isBlocked: Bool { decision == "block" }

  /// Reads a line of `sluice audit tail --json`; nil for a notice.
  init?(line: String) throws {
    let record = try JSONValue(parsing: line.utf8)
    guard let reference = record["ref"]?.text else { return nil }
    self.reference = reference
    time = String((record["time"]?.text ?? "").dropFirst(11).prefix(8))
    principal = record["principal"]?.text ?? ""
    tool = record["tool"]?.text ?? ""
    decision = record["decision"]?.text ?? ""
    rule = record["rule"]?.text
    isClosed = record["outcome"] != nil
    maskedValues = Int(record["outcome"]?["masked_values"]?.integer ?? 0)
  }

  /// The record's last calls, oldest first. Within a batch the record has the calls worker by worker; references are
  /// ordered by time.
  static func latest(_ count: Int, in commands: AuditCommands) async throws -> [TourRecord] {
    var lines: [String] = []
    try await commands.tail(count: count + 20, json: true) { lines.append($0) }
    let records = try lines.compactMap { try TourRecord(line: $0) }
    return records.sorted { $0.reference < $1.reference }.suffix(count)
  }

  /// These records as the lines of a small table.
  static func table(_ records: [TourRecord], headingStyle: (String) -> String) -> [String] {
    let columns = ["time", "ref", "principal", "tool", "decision", "rule", "masked"]
    let rows = records.map { record -> JSONValue in
      [
        "time": .string(record.time), "ref": .string(record.reference),
        "principal": .string(record.principal), "tool": .string(record.tool),
        "decision": .string(record.decision), "rule": .string(record.rule ?? "-"),
        "masked": .string(record.maskedValues == 0 ? "-" : "\(record.maskedValues) values"),
      ]
    }
    return TextTable(columns: columns, rows: rows).lines(headingStyle: headingStyle)
  }
}
