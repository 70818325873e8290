internal import Foundation

/// Lets held calls in, one after the other, within one transaction: joined to what is there, or as new requests as long as
/// the limits allow. Counts once and then keeps count, so that many calls together are not quadratic.
struct ApprovalAdmission {
  let table: ApprovalTable
  let limits: ApprovalLimits
  let now: Date
  private var pending: Int?
  private var pendingOf: [String: Int] = [:]

  init(table: ApprovalTable, limits: ApprovalLimits, now: Date) {
    self.table = table
    self.limits = limits
    self.now = now
  }

  mutating func admit(_ call: ApprovalCall) throws -> ApprovalStore.Admission {
    if let known = try table.current(digest: call.digest) { return .success((known, false)) }
    let all = try pending ?? table.pendingCount()
    pending = all
    guard all < limits.pendingMax else { return .failure(.tooManyPending) }
    let own = try pendingOf[call.principal] ?? table.pendingCount(of: call.principal)
    pendingOf[call.principal] = own
    guard own < limits.pendingPerPrincipalMax else { return .failure(.tooManyPendingOfPrincipal) }
    let request = ApprovalRequest(call, at: now)
    try table.insert(request)
    pending = all + 1
    pendingOf[call.principal] = own + 1
    return .success((request, true))
  }
}

extension ApprovalRequest {
  fileprivate init(_ call: ApprovalCall, at now: Date) {
    // Whole milliseconds, as they come back from the file.
    let created = Date(milliseconds: now.milliseconds)
    self.init(
      id: ApprovalID.make(at: now), digest: call.digest, principal: call.principal,
      server: call.server, tool: call.tool, arguments: call.arguments, rule: call.rule,
      message: call.message, policyRevision: call.policyRevision, reference: call.reference,
      reviewerGroups: call.reviewerGroups, quorum: call.quorum, created: created,
      expires: Date(milliseconds: created.addingTimeInterval(call.lifetime).milliseconds))
  }
}
