internal import Approvals
public import Foundation

/// Approvals as text for a terminal.
public enum ApprovalText {
  /// A table, no line longer than `width` when there is one. Cut cells end with "…"; `show` tells everything.
  public static func table(
    _ approvals: [ApprovalDocument], now: Date, width: Int?
  ) -> [String] {
    let heading = ["ID", "STATE", "ASKED", "EXPIRES", "BY", "TOOL", "OK", "ARGUMENTS"]
    let rows = approvals.map { approval in
      [
        approval.id, ApprovalView.label(approval.state),
        TimeText(approval.created, now: now).distance,
        approval.state == .pending ? TimeText(approval.expires, now: now).distance : "-",
        TerminalText.cut(TerminalText.line(approval.principal), to: 24),
        TerminalText.cut(TerminalText.line("\(approval.server)/\(approval.tool)"), to: 32),
        "\(approval.approvals)/\(approval.quorum)", TerminalText.line(approval.arguments),
      ]
    }
    let widths = heading.indices.map { index in
      ([heading] + rows).map { $0[index].count }.max() ?? 0
    }
    return ([heading] + rows).map { row in
      let cells = row.indices.map { index in
        index == row.count - 1
          ? row[index]
          : row[index] + String(repeating: " ", count: widths[index] - row[index].count)
      }
      let line = cells.joined(separator: "  ")
      return width.map { TerminalText.cut(line, to: $0) } ?? line
    }
  }

  /// Everything about one approval, arguments in full.
  public static func page(_ approval: ApprovalDocument, now: Date) -> String {
    let line = TerminalText.line
    let created = TimeText(approval.created, now: now)
    let expires = TimeText(approval.expires, now: now)
    var lines = [
      "\(line(approval.server))/\(line(approval.tool)): \(ApprovalView.label(approval.state))", "",
      "  approval   \(line(approval.id))",
      "  asked by   \(line(approval.principal))"
        + (approval.groups.isEmpty ? "" : " (\(line(approval.groups.joined(separator: ", "))))"),
      "  rule       \(line(approval.rule))",
    ]
    if !approval.message.isEmpty { lines.append("  message    \(line(approval.message))") }
    lines += [
      "  asked      \(created.exact), \(created.distance)",
      "  expires    \(expires.exact), \(expires.distance)",
      "  reviewers  \(line(approval.reviewerGroups.joined(separator: ", ")))",
      "  approvals  \(approval.approvals) of \(approval.quorum)",
      "  record     \(line(approval.reference))", "  policy     \(line(approval.policyRevision))",
      "  digest     \(line(approval.digest))", "", "Arguments, exactly as they will be sent:",
    ]
    lines += arguments(approval.arguments)
    for decision in approval.decisions {
      let word = decision.decision == .approve ? "approved" : "denied"
      let reason = decision.reason.isEmpty ? "" : ": \(line(decision.reason))"
      lines += ["", "\(line(decision.reviewer)) \(word)\(reason)"]
    }
    return lines.joined(separator: "\n")
  }

  private static func arguments(_ json: String) -> [String] {
    let view = ArgumentsView(json)
    var lines: [String] = []
    if let warning = view.warning { lines.append("  ! \(warning)") }
    for row in view.rows {
      let value = row.segments.map(\.text).joined()
      guard row.note != nil else {
        lines.append("  \(TerminalText.line(row.name)) = \(TerminalText.line(value))")
        continue
      }
      lines.append("  \(TerminalText.line(row.name)) =")
      lines += indented(value)
    }
    if let whole = view.whole { lines += indented(whole.segments.map(\.text).joined()) }
    if view.isEmpty { lines.append("  none") }
    return lines
  }

  private static func indented(_ text: String) -> [String] {
    TerminalText.block(text).split(separator: "\n", omittingEmptySubsequences: false)
      .map { "    | \($0)" }
  }
}
