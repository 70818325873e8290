internal import Audit

/// A replay in words.
public enum ReplayReport {
  /// One line for a call, and one for each difference. Safe to print.
  public static func lines(_ call: RecordedCall, _ result: Replay.Result) -> [String] {
    let what = call.tool.isEmpty ? call.method : "\(call.method) \(call.tool)"
    let head = "\(call.record)  \(SafeText.line(what))"
    switch result {
    case .same(let uncompared):
      let words = text(of: uncompared)
      return ["same       \(head)" + (words.isEmpty ? "" : "  (\(words.joined(separator: ", ")))")]
    case .different(let lines, let count):
      let more = count - lines.count
      return ["DIFFERENT  \(head)"] + lines.map { "             \($0)" }
        + (more > 0 ? ["             and \(more) more"] : [])
    case .skipped(let reason): return ["not sent   \(head)  (\(reason))"]
    case .wouldBeSent: return ["would send \(head)"]
    case .failed(let reason): return ["FAILED     \(head)  (\(SafeText.line(reason)))"]
    }
  }

  private static func text(of uncompared: Replay.Uncompared) -> [String] {
    var parts: [String] = []
    if uncompared.masked > 0 { parts.append("\(uncompared.masked) masked values not compared") }
    if uncompared.hidden > 0 {
      parts.append("\(uncompared.hidden) entries not compared, which policy had hidden")
    }
    return parts
  }

  public static func text(of summary: Replay.Summary) -> String {
    var parts: [String] = []
    func add(_ count: Int, _ what: String) { if count > 0 { parts.append("\(count) \(what)") } }
    add(summary.same, "same")
    add(summary.different, "different")
    add(summary.failed, "failed")
    add(summary.wouldBeSent, "would be sent")
    add(summary.skipped, "not sent")
    parts += text(of: summary.uncompared)
    return parts.isEmpty ? "nothing to replay" : parts.joined(separator: ", ")
  }
}
