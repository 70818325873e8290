public import Approvals
public import Foundation

/// Approvals to look at: of every state, of every kind of argument, and of the kind that attackers send.
public enum SampleApprovals {
  /// What a hostile agent or server would like a reviewer's browser to run, or a reviewer to overlook. Every text runs
  /// `alert`, or sets `window.pwned`, if a page lets it.
  public static let hostileTexts = [
    "<script>window.pwned=1;alert(1)</script>",
    "\"><img src=x onerror=\"window.pwned=1\">",
    "' onmouseover='window.pwned=1' x='",
    "\"\u{301} autofocus onfocus=window.pwned=1 x=\"\u{301}",
    "</pre></textarea></title><svg onload=window.pwned=1>",
    "javascript:window.pwned=1",
    "{{{content}}}{{#frame}}{{/frame}}",
    "<\u{338}script>window.pwned=1</script>",
    "abc\u{202E}xcod.exe\u{202C}",
    "zero\u{200B}width\u{FEFF}and\u{0}nul\u{1B}[31m",
  ]

  public static func request(
    _ id: String, server: String = "orders", tool: String = "query",
    arguments: String = "{\"sql\":\"SELECT 1\"}", principal: String = "nightly-report",
    person: String? = nil, groups: [String] = [], quorum: Int = 1, reviewers: [String] = ["dba"],
    age: Double = 40, lasts: Double = 900,
    state: ApprovalState = .pending, decisions: [ApprovalDecision] = [], now: Date = Date()
  ) -> ApprovalRequest {
    ApprovalRequest(
      id: "apr_" + id.padding(toLength: 26, withPad: "0", startingAt: 0),
      call: ApprovalCall(
        digest: String(repeating: "3f9a", count: 16), principal: principal,
        person: person ?? Person.account(principal), groups: groups, server: server, tool: tool,
        arguments: arguments, rule: "writes-need-a-human",
        message: "Does the statement touch only the rows the ticket names?",
        policyRevision: "8c1f00d2a4b3e596", reference: "01JDN3B9Q2S", reviewerGroups: reviewers,
        quorum: quorum), created: now.addingTimeInterval(-age),
      expires: now.addingTimeInterval(lasts - age), state: state, decisions: decisions)
  }

  /// A working day.
  public static func day(now: Date = Date()) -> [ApprovalRequest] {
    let update = """
      {"sql":"UPDATE orders\\n   SET status = 'cancelled',\\n       cancelled_at = now()\\n WHERE customer_id = 4711\\n   AND status = 'open';","timeout_ms":5000}
      """
    let transfer = """
      {"amount":{"currency":"EUR","value":12500.50},"approve_limits":true,"from":"DE02120300000000202051","note":"Invoice 2026-118, second half","tags":["invoice","q4"],"to":"DE02500105170137075030"}
      """
    let shell = """
      {"command":["rm","-rf","/srv/exports/2024"],"directory":"/srv"}
      """
    let approval = ApprovalDecision(
      reviewer: "rtyler", person: Person.account("rtyler"), word: .approve,
      reason: "Matches OPS-2210.",
      time: now.addingTimeInterval(-25))
    return [
      request("update", arguments: update, groups: ["reporting", "batch"], now: now),
      request(
        "transfer", server: "bank", tool: "transfer_money", arguments: transfer,
        principal: "invoice-agent", quorum: 2, reviewers: ["dba", "finance"], age: 95,
        decisions: [approval], now: now),
      request(
        "shell", server: "ops-shell", tool: "execute", arguments: shell, principal: "admin",
        person: Person.localAdmin("admin"), age: 700, now: now),
      request(
        "long", tool: "import_rows", arguments: longArguments, principal: "etl", age: 20, now: now),
      request(
        "denied", arguments: "{\"sql\":\"DELETE FROM customers\"}", age: 5400, state: .denied,
        decisions: [
          ApprovalDecision(
            reviewer: "dwho", person: Person.account("dwho"), word: .deny,
            reason: "No WHERE clause. Ask again with one.",
            time: now.addingTimeInterval(-5300))
        ], now: now),
      request(
        "consumed", arguments: update, age: 7300, state: .consumed,
        decisions: [
          ApprovalDecision(
            reviewer: "rtyler", person: Person.account("rtyler"), word: .approve, reason: "",
            time: now.addingTimeInterval(-7200))
        ], now: now),
      request(
        "expired", server: "git", tool: "git_reset", arguments: "{}", age: 9000, state: .expired,
        now: now),
      request("cancelled", age: 100_000, state: .cancelled, now: now),
    ]
  }

  private static var longArguments: String {
    let lines = (1...180).map { "\($0),customer-\($0)@example.com,open" }
    return "{\"csv\":\"" + lines.joined(separator: "\\n") + "\",\"table\":\"customers\"}"
  }

  /// One approval per hostile text, with the text in every field that an agent, a server or an identity provider chooses.
  public static func hostile(now: Date = Date()) -> [ApprovalRequest] {
    hostileTexts.enumerated().map { index, text in
      let json = quoted(text)
      var request = request(
        "hostile\(index)", server: text, tool: text,
        arguments: "{\(json):\(json),\"list\":[\(json)],\"nested\":{\(json):{\"x\":\(json)}}}",
        principal: text, quorum: 2,
        decisions: [
          ApprovalDecision(
            reviewer: text, person: Person.account(text), word: .approve, reason: text,
            time: now.addingTimeInterval(-5))
        ], now: now)
      request.groups = ["dba", text]
      request.rule = text
      request.message = text
      request.reference = text
      request.policyRevision = text
      request.digest = text
      request.reviewerGroups = ["dba", text]
      return request
    }
  }

  private static func quoted(_ text: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    // A text can always be written.
    return String(decoding: (try? encoder.encode(text)) ?? Data(), as: UTF8.self)
  }
}
