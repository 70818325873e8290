internal import Approvals
internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Recorder
internal import Status

/// One operation of the admin API: what the router serves, and what the OpenAPI document must describe.
struct APIOperation: Sendable {
  var method: HTTPRequest.Method
  /// As OpenAPI writes it: `/api/v1/approvals/{id}`.
  var path: String
  var handle: @Sendable (Request, ConsoleContext) async throws -> Response

  func add(to router: Router<ConsoleContext>) {
    router.on(RouterPath(path), method: method) { request, context in
      try await handle(request, context)
    }
  }
}

/// The admin API.
struct AdminAPI: Sendable {
  static let prefix = "/api/v1"

  let core: ConsoleCore

  var operations: [APIOperation] {
    [
      operation(.get, "/openapi.json") { _, _ in AdminAPI.description() },
      operation(.get, "/viewer") { _, context in try viewer(context) },
      operation(.get, "/approvals") { request, context in try await list(request, context) },
      operation(.get, "/approvals/stream") { request, context in try stream(request, context) },
      operation(.get, "/approvals/{id}") { request, context in try await show(request, context) },
      operation(.post, "/approvals/{id}/decision") { request, context in
        try await decide(request, context)
      },
      operation(.get, "/sessions") { request, context in try await sessions(request, context) },
      operation(.get, "/sessions/{id}") { request, context in
        try await timeline(request, context)
      },
      operation(.get, "/servers") { [core] _, context in
        let status = try await core.status(for: context, .servers)
        return JSONAnswer.response(ServerList(servers: status.servers))
      },
      operation(.get, "/policies") { [core] _, context in
        let status = try await core.status(for: context, .policies)
        return JSONAnswer.response(
          PolicyDocument(revision: status.revision, rules: status.rules))
      },
      operation(.get, "/status") { [core] _, context in
        JSONAnswer.response(try await core.status(for: context, .status))
      },
    ]
  }

  private func operation(
    _ method: HTTPRequest.Method, _ path: String,
    _ handle: @escaping @Sendable (Request, ConsoleContext) async throws -> Response
  ) -> APIOperation {
    APIOperation(method: method, path: AdminAPI.prefix + path, handle: handle)
  }

  private static func description() -> Response {
    Response(
      status: .ok, headers: [.contentType: "application/json"],
      body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_json)))
  }

  private struct ViewerDocument: Encodable {
    var name: String
    var groups: [String]
    var permissions: [String]
  }

  private func viewer(_ context: ConsoleContext) throws -> Response {
    let viewer = try context.signedIn()
    let names: [(Permissions, String)] = [
      (.allApprovals, "approvals"), (.sessions, "sessions"), (.policies, "policies"),
      (.servers, "servers"), (.status, "status"),
    ]
    let permissions = core.permissions(of: viewer)
    return JSONAnswer.response(
      ViewerDocument(
        name: viewer.name, groups: viewer.groups.sorted(),
        permissions: names.filter { permissions.contains($0.0) }.map(\.1)))
  }

  private var desk: ApprovalDesk { ApprovalDesk(core: core) }

  private func list(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    let viewer = try context.signedIn()
    let query = try APIQuery(request, allowed: ["state", "limit"])
    let found = try await desk.requests(
      states: query.states("state"), for: viewer,
      limit: query.number("limit", 1...core.settings.limits.approvalsMax))
    return JSONAnswer.response(
      ApprovalList(
        approvals: found.requests.map { document($0, viewer) }, isCut: found.more != nil))
  }

  private func show(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    let viewer = try context.signedIn()
    let found = try await desk.request(id(context), for: viewer)
    return JSONAnswer.response(document(found, viewer))
  }

  private func decide(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    let viewer = try context.signedIn()
    var request = request
    let body = try await request.collectBody(upTo: core.settings.limits.requestBytesMax)
    let sent: DecisionDocument
    do {
      sent = try JSONAnswer.decoder().decode(
        DecisionDocument.self, from: Data(body.readableBytesView))
    } catch {
      throw ConsoleFailure.invalid(
        "The body is {\"decision\": \"approve\" or \"deny\", \"reason\": \"…\"}.")
    }
    let after = try await desk.decide(
      id(context), try ApprovalDesk.word(sent.decision), reason: sent.reason ?? "", by: viewer)
    return JSONAnswer.response(document(after, viewer))
  }

  private func stream(_ request: Request, _ context: ConsoleContext) throws -> Response {
    let viewer = try context.signedIn()
    return try ApprovalStream(core: core, viewer: viewer, access: context.access).response()
  }

  private func sessions(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    let desk = try core.sessionDesk(for: context)
    let query = try APIQuery(
      request, allowed: ["principal", "server", "tool", "since", "problems", "masked", "limit"])
    let limit = try query.number("limit", 1...SessionDesk.sessionsMax) ?? SessionDesk.sessionsMax
    let (filter, _) = try query.sessionFilter(now: core.now(), defaultSpan: "all")
    let found = try await desk.list(filter, limit: limit)
    return JSONAnswer.response(
      SessionList(
        sessions: found.sessions.map(SessionDocument.init), isCut: found.isCut,
        warnings: found.warnings))
  }

  private func timeline(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    let desk = try core.sessionDesk(for: context)
    let query = try APIQuery(request, allowed: ["skip", "limit"])
    let limit = try query.number("limit", 1...SessionDesk.callsMax) ?? SessionDesk.callsMax
    let found = try await desk.timeline(
      id(context), skip: query.number("skip", 0...1_000_000_000) ?? 0, limit: limit)
    return JSONAnswer.response(
      TimelineDocument(
        session: SessionDocument(found.session), calls: found.calls.map(CallDocument.init)))
  }

  private func document(_ request: ApprovalRequest, _ viewer: Viewer) -> ApprovalDocument {
    ApprovalDocument(request, for: viewer, now: core.now())
  }

  private func id(_ context: ConsoleContext) throws -> String {
    guard let id = context.parameters.get("id"), id.utf8.count <= 64 else {
      throw ConsoleFailure.notFound
    }
    return id
  }
}

/// The query of an address. What is not known is refused: a misspelt filter would show too much.
struct APIQuery {
  private var values: [String: String] = [:]

  init(_ request: Request, allowed: Set<String>) throws(ConsoleFailure) {
    for (name, value) in request.uri.queryParameters {
      guard allowed.contains(String(name)) else {
        throw .invalid(
          "\"\(name)\" is no parameter here; known: \(allowed.sorted().joined(separator: ", ")).")
      }
      guard values.updateValue(String(value), forKey: String(name)) == nil else {
        throw .invalid("\"\(name)\" is given twice.")
      }
    }
  }

  subscript(_ name: String) -> String? { values[name] }

  func number(_ name: String, _ range: ClosedRange<Int>) throws(ConsoleFailure) -> Int? {
    guard let text = values[name] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw .invalid(
        "\"\(name)\" is a number from \(range.lowerBound) to \(range.upperBound).")
    }
    return number
  }

  /// States with commas between them; all when there is none.
  func states(_ name: String) throws(ConsoleFailure) -> Set<ApprovalState> {
    var states: Set<ApprovalState> = []
    for word in (values[name] ?? "").split(separator: ",") {
      guard let state = ApprovalState(rawValue: String(word)) else {
        let known = ApprovalState.allCases.map(\.rawValue).joined(separator: ", ")
        throw .invalid("\"\(word)\" is no state; known: \(known).")
      }
      states.insert(state)
    }
    return states
  }
}
