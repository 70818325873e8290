import Approvals
import Foundation
import Status
import Testing

@testable import ControlPlane
@testable import Proxy

@Suite struct ApprovalDeskTests {
  @Test func whatIsHeldIsPutBeforeReviewers() async throws {
    let test = try TestDesk()
    let ids = await test.hold(.sample(1, person: "0f"), .sample(2, 2))
    #expect(ids.count == 2)
    let request = try await test.store.request(ids[0])
    #expect(request.principal == "etl" && request.person == "subject/0f")
    #expect(request.groups == ["loaders"] && request.reviewerGroups == ["dba"])
    #expect(request.policyRevision == "00000000000000ab")
    #expect(request.digest == CallDigestText.one)
    #expect(request.expires == request.created.addingTimeInterval(60))
    #expect(try await test.store.request(ids[1]).person == "account/etl")
  }

  @Test func anApprovalIsUsedUpForTheFirstWhoWaitsAndForNobodyElse() async throws {
    let test = try TestDesk()
    let ids = await test.hold(.sample(1), .sample(2))
    #expect(Set(ids).count == 1, "identical calls share one request")
    try await test.decide(ids[0], .approve, reason: "OPS-1")
    var told = test.calls.takeAnswers()
    #expect(told.map(\.ticket.serial) == [1])
    let granted = HeldAnswer.granted(
      approval: ids[0], digest: HeldCall.sample(1).digest, reviewers: ["ada"], reason: "OPS-1")
    #expect(told.first?.answer == granted)
    #expect(try await test.store.request(ids[0]).state == .consumed)
    // The store tells that it was consumed: the other one has to ask again.
    await test.desk.handle(.change(try await test.store.request(ids[0])))
    told = test.calls.takeAnswers()
    #expect(told.map(\.ticket.serial) == [2])
    #expect(told.first?.answer == .over(.usedUp, approval: ids[0]))
  }

  @Test func aDenialReachesEverybodyWhoWaits() async throws {
    let test = try TestDesk()
    let ids = await test.hold(.sample(1), .sample(2), .sample(3, 2))
    try await test.decide(ids[0], .deny, reason: "no backup")
    let told = test.calls.takeAnswers()
    #expect(told.map(\.ticket.serial) == [1, 2])
    let denied = HeldAnswer.denied(approval: ids[0], reviewers: ["ada"], reason: "no backup")
    #expect(told.allSatisfy { $0.answer == denied })
    // Whoever asks for the same again is told at once.
    test.calls.tell(.held(.sample(4)))
    await test.desk.handle(.calls)
    #expect(test.calls.takeAnswers().map(\.answer) == [denied])
  }

  @Test func whoHasGoneUsesUpNothing() async throws {
    let test = try TestDesk()
    let call = HeldCall.sample(1)
    let ids = await test.hold(call)
    test.calls.tell(.left(call.ticket))
    try await test.decide(ids[0], .approve)
    #expect(test.calls.takeAnswers().isEmpty)
    #expect(try await test.store.request(ids[0]).state == .approved)
    // The next identical call does.
    test.calls.tell(.held(.sample(2)))
    await test.desk.handle(.calls)
    #expect(test.calls.takeAnswers().map(\.ticket.serial) == [2])
    #expect(try await test.store.request(ids[0]).state == .consumed)
  }

  @Test func whoLeavesBeforeItWasAskedForIsAskedForAllTheSame() async throws {
    let test = try TestDesk()
    let call = HeldCall.sample(1)
    test.calls.tell(.held(call))
    test.calls.tell(.left(call.ticket))
    await test.desk.handle(.calls)
    #expect(test.calls.takeAnswers().isEmpty)
    let request = try #require(try await test.store.requests(states: [], limit: 1).first)
    try await test.decide(request.id, .approve)
    #expect(try await test.store.request(request.id).state == .approved)
  }

  @Test func aCancellationEndsTheWaitAndNotTheRequest() async throws {
    let test = try TestDesk()
    let call = HeldCall.sample(1, session: "s")
    let ids = await test.hold(call, .sample(2, session: "other"))
    var request = try #require(call.request)
    request.session = "third"
    test.calls.tell(.cancelled(request))
    await test.desk.handle(.calls)
    #expect(test.calls.takeAnswers().isEmpty, "a session that nothing waits for")
    test.calls.tell(.cancelled(try #require(call.request)))
    await test.desk.handle(.calls)
    let told = test.calls.takeAnswers()
    #expect(told.map(\.ticket.serial) == [1])
    #expect(told.first?.answer == .over(.cancelled, approval: ids[0]))
    #expect(try await test.store.request(ids[0]).state == .pending)
  }

  @Test func aWorkerWithoutRoomCostsNoApproval() async throws {
    let test = try TestDesk()
    let ids = await test.hold(.sample(1))
    test.calls.set(isFull: true)
    try await test.decide(ids[0], .approve)
    #expect(try await test.store.request(ids[0]).state == .approved)
    test.calls.set(isFull: false)
    // It is found on one of the next rounds.
    for _ in 0..<ApprovalDesk.roundsBetweenLooks { await test.desk.handle(.round) }
    #expect(test.calls.takeAnswers().map(\.ticket.serial) == [1])
    #expect(try await test.store.request(ids[0]).state == .consumed)
  }

  @Test func decisionsOfAnotherProcessAreFoundByLooking() async throws {
    let test = try TestDesk()
    let ids = await test.hold(.sample(1), .sample(2, 2))
    let other = try TestDesk.store(test.folder)
    _ = try await other.decide(ids[0], .approve, by: .ada, reason: "")
    _ = try await other.decide(ids[1], .deny, by: .ada, reason: "no")
    for _ in 0..<ApprovalDesk.roundsBetweenLooks { await test.desk.handle(.round) }
    #expect(Set(test.calls.takeAnswers().map(\.ticket.serial)) == [1, 2])
  }

  @Test func whatCannotBeAskedIsRefusedWithTheReason() async throws {
    var limits = ApprovalLimits()
    limits.pendingPerPrincipalMax = 1
    limits.pendingMax = 2
    let test = try TestDesk(limits: limits)
    test.calls.tell(.held(.sample(1, 1)))
    test.calls.tell(.held(.sample(2, 2)))
    test.calls.tell(.held(.sample(3, 3, principal: "b")))
    test.calls.tell(.held(.sample(4, 4, principal: "c")))
    await test.desk.handle(.calls)
    let told = test.calls.takeAnswers().filter {
      if case .over = $0.answer { true } else { false }
    }
    #expect(told.map(\.ticket.serial) == [2, 4])
    #expect(
      told.map(\.answer) == [
        .over(.tooManyPendingOfPrincipal, approval: ""), .over(.tooManyPending, approval: ""),
      ])
  }

  @Test func itCountsWhatBecameOfCalls() async throws {
    let test = try TestDesk()
    let ids = await test.hold(.sample(1), .sample(2, 2), .sample(3, 2))
    try await test.decide(ids[0], .approve)
    try await test.decide(ids[1], .deny, reason: "no")
    let tally = await test.desk.tally
    #expect(tally.asked == 2 && tally.granted == 1 && tally.denied == 2 && tally.refused == 0)
    #expect(tally.problem == nil)
  }

  @Test func itsLoopWakesForWorkersAndForDecisions() async throws {
    let test = try TestDesk()
    await test.desk.start()
    test.calls.tell(.held(.sample(1)))
    test.calls.wake()
    var changes = test.store.changes().makeAsyncIterator()
    let request = try #require(await changes.next())
    _ = try await test.store.decide(request.id, .approve, by: .ada, reason: "")
    while let change = await changes.next(), change.state != .consumed {}
    #expect(try await test.store.request(request.id).state == .consumed)
    await test.desk.stop()
  }
}

private enum CallDigestText {
  /// The words 1, 0, 0, 0 as bytes.
  static let one = "01" + String(repeating: "0", count: 62)
}
