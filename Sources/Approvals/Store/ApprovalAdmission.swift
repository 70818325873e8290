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

  mutating func admit(_ question: ApprovalQuestion) throws -> ApprovalStore.Admission {
    let call = question.call
    if let known = try table.current(digest: call.digest) { return .success((known, false)) }
    let all = try pending ?? table.pendingCount()
    pending = all
    guard all < limits.pendingMax else { return .failure(.tooManyPending) }
    let own = try pendingOf[call.principal] ?? table.pendingCount(of: call.principal)
    pendingOf[call.principal] = own
    guard own < limits.pendingPerPrincipalMax else { return .failure(.tooManyPendingOfPrincipal) }
    let request = ApprovalRequest(question, at: now)
    try table.insert(request)
    pending = all + 1
    pendingOf[call.principal] = own + 1
    return .success((request, true))
  }
}

extension ApprovalRequest {
  fileprivate init(_ question: ApprovalQuestion, at now: Date) {
    // Whole milliseconds, as they come back from the file.
    let created = Date(milliseconds: now.milliseconds)
    self.init(
      id: ApprovalID.make(at: now), call: question.call, created: created,
      expires: Date(milliseconds: created.addingTimeInterval(question.lifetime).milliseconds))
  }
}
