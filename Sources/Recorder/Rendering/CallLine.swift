internal import Audit

/// One line per call or notice.
enum CallLine {
  private static let columns = TextColumns([
    ("TIME (UTC)", 23), ("REF", 13), ("PRINCIPAL", 16), ("SERVER", 12), ("TOOL", 20),
    ("DECISION", 15), ("RULE", 20), ("OUTCOME", 25), ("DURATION", 11),
  ])

  static var header: String { columns.header }

  static func text(of call: RecordedCall) -> String {
    columns.row([
      RecordedTime.text(call.openedNanoseconds),
      call.record.description,
      call.principal.isEmpty ? "-" : call.principal,
      call.server.isEmpty ? "-" : call.server,
      call.tool.isEmpty ? (call.method.isEmpty ? "-" : call.method) : call.tool,
      call.decision?.text ?? "-",
      call.rule.isEmpty ? "-" : call.rule,
      call.ending(),
      call.outcome.map { RecordedTime.duration(microseconds: $0.doneMicroseconds) } ?? "-",
    ])
  }

  static func text(of notice: RecordedNotice) -> String {
    switch notice {
    case .gap(let worker, let drops, let all, let time):
      return "\(RecordedTime.text(time))  GAP: \(drops) calls went ahead unrecorded on worker "
        + "\(worker) (\(all) in all)"
    case .repair(let segment, let offset, let bytes, let isDamage, let hash, let time):
      let what = isDamage ? "damaged bytes" : "bytes of an interrupted write"
      return "\(RecordedTime.text(time))  REPAIR: \(bytes) \(what) were cut off "
        + "\(SegmentFormat.name(of: segment)) at offset \(offset), SHA-256 \(hash)"
    }
  }
}
