internal import Audit
internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import Recorder

/// The pages on which people see what agents did.
struct SessionPages: Sendable {
  let core: ConsoleCore

  /// How far back the list looks, in seconds; nil for the whole record.
  static let spans: [(value: String, label: String, seconds: Double?)] = [
    ("1h", "last hour", 3600), ("24h", "last day", 86_400), ("7d", "last week", 604_800),
    ("all", "all", nil),
  ]

  func add(to router: Router<ConsoleContext>) {
    router.get("/sessions") { request, context in try await list(request, context) }
    router.get("/sessions/:id") { request, context in try await show(request, context) }
  }

  private func list(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    let desk = try core.sessionDesk(for: context)
    let query = try APIQuery(
      request, allowed: ["principal", "server", "tool", "since", "problems", "masked"])
    let (filter, span) = try query.sessionFilter(now: core.now(), defaultSpan: "24h")
    let found = try await desk.list(filter, limit: SessionDesk.sessionsMax)
    let view = SessionsView(
      sessions: found.sessions.map { SessionView($0, now: core.now()) },
      isEmpty: found.sessions.isEmpty, isCut: found.isCut,
      warnings: found.warnings.prefix(5).map { .init(text: $0) },
      principal: query["principal"] ?? "", server: query["server"] ?? "",
      tool: query["tool"] ?? "",
      spans: SessionPages.spans.map {
        .init(value: $0.value, label: $0.label, isChosen: $0.value == span)
      }, onlyProblems: filter.problemsOnly, onlyMasked: filter.maskedOnly)
    return core.pages.page(
      "sessions", view, title: "Sessions", frame: PageFrame(context, core, current: "/sessions"))
  }

  private func show(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    let desk = try core.sessionDesk(for: context)
    let query = try APIQuery(request, allowed: ["skip", "call"])
    let skip = try query.number("skip", 0...1_000_000_000) ?? 0
    let limit = SessionDesk.callsMax
    let found = try await desk.timeline(
      context.parameters.get("id") ?? "", skip: skip, limit: limit)
    let session = SessionView(found.session, now: core.now())
    let approvals = await ApprovalDesk(core: core).requests(
      Set(found.calls.map(\.approval).filter { !$0.isEmpty }), for: try context.signedIn())
    func link(_ skip: Int) -> String { "\(session.link)?skip=\(skip)" }
    let last = skip + found.calls.count
    let view = TimelineView(
      session: session,
      calls: found.calls.map { call in
        CallView(
          call, approval: approvals[call.approval], now: core.now(),
          showsAll: call.record.description == query["call"], pageLink: link(skip) + "&")
      },
      range: found.calls.isEmpty
        ? "no calls" : "calls \(skip + 1) to \(last) of \(found.session.calls)",
      earlierLink: skip > 0 ? link(max(0, skip - limit)) : nil,
      laterLink: last < found.session.calls ? link(last) : nil)
    return core.pages.page(
      "timeline", view, title: "Session \(session.id)",
      frame: PageFrame(context, core, current: "/sessions"))
  }
}

extension ConsoleCore {
  /// - Throws: when the viewer may not see sessions, or there is no record.
  func sessionDesk(for context: ConsoleContext) throws(ConsoleFailure) -> SessionDesk {
    try require(.sessions, context)
    guard let sessionDesk else { throw .notFound }
    return sessionDesk
  }

  func require(_ permission: Permissions, _ context: ConsoleContext) throws(ConsoleFailure) {
    let viewer = try context.signedIn()
    guard permissions(of: viewer).isSuperset(of: permission) else {
      throw .forbidden("None of your groups may see this.")
    }
  }
}

extension APIQuery {
  /// The filter a query describes, and the span it chose.
  func sessionFilter(
    now: Date, defaultSpan: String
  ) throws(ConsoleFailure) -> (SessionFilter, String) {
    var filter = SessionFilter()
    filter.principal = word("principal")
    filter.server = word("server")
    filter.tool = word("tool")
    filter.problemsOnly = try flag("problems")
    filter.maskedOnly = try flag("masked")
    let span = word("since") ?? defaultSpan
    guard let choice = SessionPages.spans.first(where: { $0.value == span }) else {
      throw .invalid("\"since\" is 1h, 24h, 7d or all.")
    }
    if let seconds = choice.seconds {
      filter.fromNanoseconds = UInt64(max(0, now.timeIntervalSince1970 - seconds) * 1e9)
    }
    return (filter, span)
  }

  private func word(_ name: String) -> String? {
    guard let text = self[name], !text.isEmpty else { return nil }
    return text
  }

  private func flag(_ name: String) throws(ConsoleFailure) -> Bool {
    switch word(name) {
    case nil, "false": return false
    case "on", "true": return true
    default: throw .invalid("\"\(name)\" is true or false.")
    }
  }
}
