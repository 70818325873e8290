internal import Approvals
internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// The pages on which people decide.
struct ApprovalPages: Sendable {
  let core: ConsoleCore

  func add(to router: Router<ConsoleContext>) {
    router.get("/approvals") { _, context in try await list(context) }
    router.get("/history") { _, context in try await history(context) }
    router.get("/approvals/:id") { _, context in try await show(context) }
    router.post("/approvals/:id") { request, context in try await decide(request, context) }
  }

  private var desk: ApprovalDesk { ApprovalDesk(core: core) }

  private func list(_ context: ConsoleContext) async throws -> Response {
    let viewer = try context.signedIn()
    let found = try await desk.requests(states: [.pending], for: viewer)
    let pending = found.requests.filter { $0.expires > core.now() }
    // What the viewer can decide comes first, and of that what expires first.
    let cards = pending.sorted { $0.expires < $1.expires }
      .map { view($0, context, isListed: true) }
    let sorted = cards.filter { $0.decide != nil } + cards.filter { $0.decide == nil }
    return page(
      ApprovalsView(
        heading: "Waiting for a decision", isHistory: false, cards: sorted, isEmpty: sorted.isEmpty,
        countText: "\(sorted.count)", hasNoStore: !core.services.keepsApprovals,
        more: found.more), context, current: "/approvals")
  }

  private func history(_ context: ConsoleContext) async throws -> Response {
    let viewer = try context.signedIn()
    let states = Set(ApprovalState.allCases).subtracting([.pending])
    let found = try await desk.requests(states: states, for: viewer)
    let cards = found.requests.map { view($0, context, isListed: true) }
    return page(
      ApprovalsView(
        heading: "History", isHistory: true, cards: cards, isEmpty: cards.isEmpty,
        countText: "\(cards.count)", hasNoStore: !core.services.keepsApprovals,
        more: found.more), context, current: "/history")
  }

  private func page(
    _ view: ApprovalsView, _ context: ConsoleContext, current: String
  ) -> Response {
    core.pages.page(
      "approvals", view, title: view.heading,
      frame: PageFrame(context, core, current: current))
  }

  private func show(_ context: ConsoleContext) async throws -> Response {
    let viewer = try context.signedIn()
    let request = try await desk.request(id(context), for: viewer)
    var view = view(request, context, isListed: false)
    if !view.isPending, core.sessionDesk != nil, core.permissions(of: viewer).contains(.sessions) {
      let reference = PercentEncoding.encoded(request.reference)
      view.recordLink = "/sessions/\(reference)#call-\(reference)"
    }
    return detail(view, context, status: .ok)
  }

  private func detail(
    _ view: ApprovalView, _ context: ConsoleContext, status: HTTPResponse.Status
  ) -> Response {
    core.pages.page(
      "approval", view, title: "Approval \(view.id)",
      frame: PageFrame(context, core, current: "/approvals"), status: status)
  }

  /// Takes the decision, and leads back to the approval as it is then: reloading decides nothing twice.
  private func decide(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    let viewer = try context.signedIn()
    var request = request
    let fields = try await FormFields(
      String(buffer: request.collectBody(upTo: core.settings.limits.requestBytesMax)))
    let id = try id(context)
    let reason = fields["reason"] ?? ""
    do throws(ConsoleFailure) {
      let word = try ApprovalDesk.word(fields["decision"])
      let after = try await desk.decide(id, word, reason: reason, by: viewer)
      if case .session(let session, _) = context.access {
        core.sessions.leave(notice: ApprovalDesk.sentence(about: after, word), for: session)
      }
      return .redirect(to: "/approvals/" + PercentEncoding.encoded(id), type: .normal)
    } catch {
      guard error.status != .notFound else { throw error }
      var view = view(try await desk.request(id, for: viewer), context, isListed: false)
      view.decide?.reason = reason
      view.decide?.problem = error.detail
      if view.decide == nil { view.cannotDecide = error.detail }
      return detail(view, context, status: error.status)
    }
  }

  private func id(_ context: ConsoleContext) throws -> String {
    guard let id = context.parameters.get("id"), id.utf8.count <= 64 else {
      throw ConsoleFailure.notFound
    }
    return id
  }

  private func view(
    _ request: ApprovalRequest, _ context: ConsoleContext, isListed: Bool
  ) -> ApprovalView {
    var view = ApprovalView(request, now: core.now())
    if case .session(_, let session) = context.access {
      view.offerDecision(
        to: session.viewer, on: request, token: session.forgeryToken,
        needsReason: core.settings.approvalNeedsReason)
    }
    if isListed, request.arguments.utf8.count > core.settings.limits.listedArgumentBytesMax {
      view.tooLongText =
        "The arguments have \(view.arguments.byteCount). Open the approval to read them."
      view.decide = nil
    }
    return view
  }
}
