import Approvals
import Foundation
import Testing

/// What the store promises to the data path and to reviewers.
@Suite struct ApprovalStoreTests {
  private let folder: TemporaryFolder
  private let clock = ManualClock()
  private let store: ApprovalStore

  init() throws {
    folder = try TemporaryFolder()
    let clock = clock
    store = try ApprovalStore(path: folder.database, clock: { clock.now })
  }

  /// What a decision throws; nil when it is taken.
  private func refusal(
    _ id: String, _ word: ApprovalDecision.Word = .approve, by reviewer: Reviewer
  ) async -> ApprovalError? {
    do {
      _ = try await store.decide(id, word, by: reviewer, reason: "")
      return nil
    } catch {
      return error
    }
  }

  @Test func aRequestIsKeptAsItWasAsked() async throws {
    let (request, isNew) = try await store.ask(for: .sample(quorum: 2))
    #expect(isNew)
    #expect(request.id.wholeMatch(of: /apr_[0-9a-hj-km-np-tv-z]{26}/) != nil)
    #expect(request.state == .pending)
    #expect(request.expires == request.created.addingTimeInterval(900))
    #expect(request.reviewerGroups == ["dba", "ops"])
    #expect(request.arguments == #"{"sql":"DELETE FROM orders"}"#)
    #expect(request.reference == "015zbk8080r00")
    #expect(request.message == "Ticket?")
    #expect(request.person == Person.account("agent"))
    #expect(request.groups == ["etl"])
    #expect(try await store.request(request.id) == request)
    await #expect(throws: ApprovalError.notFound) { try await store.request("apr_x") }
  }

  @Test func theSameCallJoinsWhileItIsOpen() async throws {
    let first = try await store.ask(for: .sample()).request
    let again = try await store.ask(for: .sample())
    #expect(!again.isNew)
    #expect(again.request == first)
    #expect(try await store.ask(for: .sample(digest: "bb")).isNew)
    _ = try await store.decide(first.id, .approve, by: .ada, reason: "fine")
    #expect(try await store.ask(for: .sample()).request.state == .approved)
    #expect(try await store.consume(first.id, digest: "aa") != nil)
    let next = try await store.ask(for: .sample())
    #expect(next.isNew)
    #expect(next.request.id != first.id)
  }

  @Test func aDenialStandsUntilTheRequestWouldHaveExpired() async throws {
    let first = try await store.ask(for: .sample()).request
    _ = try await store.decide(first.id, .deny, by: .ada, reason: "no backup")
    let again = try await store.ask(for: .sample())
    #expect(!again.isNew)
    #expect(again.request.state == .denied)
    #expect(again.request.decisions.map(\.reason) == ["no backup"])
    clock.advance(901)
    #expect(try await store.ask(for: .sample()).isNew)
  }

  @Test func onlyReviewersDecide() async throws {
    let request = try await store.ask(for: .sample()).request
    #expect(await refusal(request.id, by: .eve) == .notAReviewer)
    #expect(await refusal(request.id, by: Reviewer(corp: "x", groups: [])) == .notAReviewer)
    #expect(await refusal("apr_x", by: .ada) == .notFound)
    #expect(try await store.request(request.id).decisions.isEmpty)
    #expect(await refusal(request.id, by: .ada) == nil)
    #expect(await refusal(request.id, by: .ada) == .notPending(.approved))
  }

  /// Who asks, and whether Bob, who signed in at `corp`, is that one.
  static let callers: [(principal: String, person: String, isBob: Bool)] = [
    // The same subject, whatever it is called now.
    ("corp/bob", Person.subject("digest of bob"), true),
    ("corp/robert", Person.subject("digest of bob"), true),
    // A provider that gives one person another subject for each client: its own name for him tells.
    ("corp/bob", Person.subject("digest for another client"), true),
    ("corp/Bob", Person.subject("digest for another client"), true),
    // Others who happen to be called like him.
    ("shop/bob", Person.subject("digest of another bob"), false),
    ("bob", Person.account("bob"), false),
    ("corp/bobby", Person.subject("digest of bobby"), false),
    ("corp/client/bob", Person.subject("digest of client bob"), false),
  ]

  @Test(arguments: callers)
  func nobodyDecidesOnTheirOwnCallAndEverybodyElseMay(
    caller: (principal: String, person: String, isBob: Bool)
  ) async throws {
    for word in [ApprovalDecision.Word.deny, .approve] {
      let request = try await store.ask(
        for: .sample(
          digest: "\(word)", principal: caller.principal, person: caller.person)
      ).request
      #expect(request.isAsked(by: .bob) == caller.isBob)
      let refusal = await refusal(request.id, word, by: .bob)
      #expect(refusal == (caller.isBob ? .selfApproval : nil))
      #expect(try await store.request(request.id).decisions.isEmpty == caller.isBob)
    }
  }

  @Test func aProgramDoesNotDecideOnItsOwnCallNorForItsNamesake() async throws {
    let request = try await store.ask(for: .sample(principal: "etl")).request
    let itself = Reviewer(
      name: "etl", groups: ["dba"], person: Person.account("etl"), principal: "etl")
    #expect(await refusal(request.id, by: itself) == .selfApproval)
    let admin = Reviewer(name: "etl", groups: ["dba"], person: Person.localAdmin("etl"))
    #expect(await refusal(request.id, by: admin) == nil)
  }

  @Test func aQuorumCountsPeople() async throws {
    let request = try await store.ask(for: .sample(quorum: 2)).request
    #expect(await refusal(request.id, by: .ada) == nil)
    #expect(try await store.request(request.id).state == .pending)
    #expect(await refusal(request.id, by: .ada) == .alreadyDecidedByYou)
    #expect(
      await refusal(
        request.id, by: Reviewer(corp: "renamed", groups: ["ops"], subject: "digest of ada"))
        == .alreadyDecidedByYou)
    #expect(await refusal(request.id, .deny, by: .ada) == .alreadyDecidedByYou)
    #expect(try await store.request(request.id).state == .pending)
    #expect(await refusal(request.id, by: .bob) == nil)
    let after = try await store.request(request.id)
    #expect(after.state == .approved)
    #expect(after.decisions.map(\.reviewer) == ["ada", "bob"])
  }

  @Test func oneWhoDeniesIsEnough() async throws {
    let request = try await store.ask(for: .sample(quorum: 2)).request
    #expect(await refusal(request.id, by: .ada) == nil)
    #expect(await refusal(request.id, .deny, by: .bob) == nil)
    #expect(try await store.request(request.id).state == .denied)
    #expect(try await store.consume(request.id, digest: "aa") == nil)
  }

  @Test func aGrantIsForItsCallOnceAndUntilItExpires() async throws {
    let request = try await store.ask(for: .sample()).request
    #expect(try await store.consume(request.id, digest: "aa") == nil, "nobody has approved it")
    _ = try await store.decide(request.id, .approve, by: .ada, reason: "")
    #expect(try await store.consume(request.id, digest: "bb") == nil)
    #expect(try await store.consume("apr_x", digest: "aa") == nil)
    let consumed = try #require(try await store.consume(request.id, digest: "aa"))
    #expect(consumed.state == .consumed)
    #expect(try await store.consume(request.id, digest: "aa") == nil)

    let late = try await store.ask(for: .sample(digest: "cc", lifetime: 10)).request
    _ = try await store.decide(late.id, .approve, by: .ada, reason: "")
    clock.advance(10)
    #expect(try await store.consume(late.id, digest: "cc") == nil)
    #expect(try await store.request(late.id).state == .expired)
    #expect(await refusal(late.id, by: .bob) == .notPending(.expired))
  }

  @Test func manyWhoConsumeAtOnceGetOneGrant() async throws {
    let other = try ApprovalStore(path: folder.database, clock: { [clock] in clock.now })
    for round in 0..<5 {
      let digest = "d\(round)"
      let request = try await store.ask(for: .sample(digest: digest)).request
      _ = try await other.decide(request.id, .approve, by: .ada, reason: "")
      let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<32 {
          let store = number % 2 == 0 ? store : other
          group.addTask { try await store.consume(request.id, digest: digest) != nil }
        }
        return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
      #expect(winners == 1)
    }
  }

  @Test func manyWhoAskAtOnceShareOneRequest() async throws {
    let other = try ApprovalStore(path: folder.database, clock: { [clock] in clock.now })
    let ids = try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<32 {
        let store = number % 2 == 0 ? store : other
        group.addTask { try await store.ask(for: .sample()).request.id }
      }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(ids.count == 1)
  }

  @Test func manyWhoDecideAtOnceReachTheQuorumOnce() async throws {
    let request = try await store.ask(for: .sample(quorum: 8)).request
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<16 {
        group.addTask { [store] in
          // Those who come too late are told so.
          _ = try? await store.decide(
            request.id, .approve, by: Reviewer(corp: "r\(number)", groups: ["dba"]), reason: "")
        }
      }
    }
    let after = try await store.request(request.id)
    #expect(after.state == .approved)
    #expect(after.decisions.count == 8)
  }

  @Test func waitingRequestsAreBounded() async throws {
    var limits = ApprovalLimits()
    limits.pendingMax = 3
    limits.pendingPerPrincipalMax = 2
    let small = try ApprovalStore(
      path: folder.database, limits: limits, clock: { [clock] in clock.now })
    _ = try await small.ask(for: .sample(digest: "1"))
    let second = try await small.ask(for: .sample(digest: "2")).request
    await #expect(throws: ApprovalAdmissionError.tooManyPendingOfPrincipal) {
      try await small.ask(for: .sample(digest: "3"))
    }
    // Joining one that waits is always possible.
    _ = try await small.ask(for: .sample(digest: "2"))
    _ = try await small.ask(for: .sample(digest: "3", principal: "other"))
    await #expect(throws: ApprovalAdmissionError.tooManyPending) {
      try await small.ask(for: .sample(digest: "4", principal: "third"))
    }
    _ = try await small.decide(second.id, .approve, by: .ada, reason: "")
    _ = try await small.ask(for: .sample(digest: "4", principal: "third"))
  }

  @Test func callsTogetherAreLetInAsOneAfterTheOther() async throws {
    var limits = ApprovalLimits()
    limits.pendingPerPrincipalMax = 2
    let small = try ApprovalStore(
      path: folder.database, limits: limits, clock: { [clock] in clock.now })
    let answers = await small.ask(
      for: ["1", "2", "1", "3"].map { .sample(digest: $0) } + [.sample(digest: "4", principal: "b")]
    )
    let outcomes = answers.map { answer -> String in
      switch answer {
      case .success((let request, let isNew)): "\(request.digest) \(isNew)"
      case .failure(let error): "\(error)"
      }
    }
    #expect(
      outcomes == ["1 true", "2 true", "1 false", "tooManyPendingOfPrincipal", "4 true"])
  }

  @Test func listsAreNewestFirstAndFiltered() async throws {
    var ids: [String] = []
    for number in 0..<4 {
      ids.append(try await store.ask(for: .sample(digest: "\(number)")).request.id)
      clock.advance(1)
    }
    _ = try await store.decide(ids[1], .deny, by: .ada, reason: "")
    #expect(try await store.requests(states: [], limit: 10).map(\.id) == ids.reversed())
    #expect(try await store.requests(states: [], limit: 2).map(\.id) == [ids[3], ids[2]])
    #expect(
      try await store.requests(states: [.pending, .approved], limit: 10).map(\.id)
        == [ids[3], ids[2], ids[0]])
    clock.advance(1000)
    #expect(try await store.requests(states: [.pending], limit: 10).isEmpty)
    #expect(try await store.requests(states: [.expired], limit: 10).count == 3)
  }

  @Test func anotherPolicyEndsWhatWasAskedUnderTheOld() async throws {
    let old = try await store.ask(for: .sample()).request
    let approved = try await store.ask(for: .sample(digest: "bb")).request
    _ = try await store.decide(approved.id, .approve, by: .ada, reason: "")
    let new = try await store.ask(for: .sample(digest: "cc", revision: "ffffffffffffffff")).request
    try await store.cancel(allBut: "ffffffffffffffff")
    #expect(try await store.request(old.id).state == .cancelled)
    #expect(try await store.request(approved.id).state == .cancelled)
    #expect(try await store.consume(approved.id, digest: "bb") == nil)
    #expect(try await store.request(new.id).state == .pending)
  }

  @Test func oldRequestsAreForgottenAndOpenOnesAreNot() async throws {
    let old = try await store.ask(for: .sample(lifetime: 60)).request
    let open = try await store.ask(for: .sample(digest: "bb", lifetime: 40 * 86_400)).request
    clock.advance(61)
    try await store.sweep(prunes: true)
    #expect(try await store.request(old.id).state == .expired)
    clock.advance(31 * 86_400)
    try await store.sweep(prunes: true)
    await #expect(throws: ApprovalError.notFound) { try await store.request(old.id) }
    #expect(try await store.request(open.id).state == .pending)
  }

  @Test func theyAreCountedByState() async throws {
    #expect(try await store.tally() == ApprovalTally())
    let first = try await store.ask(for: .sample()).request
    clock.advance(5)
    let second = try await store.ask(for: .sample(digest: "bb")).request
    #expect(
      try await store.tally() == ApprovalTally(counts: [.pending: 2], oldestPending: first.created))
    _ = try await store.decide(first.id, .approve, by: .ada, reason: "")
    #expect(
      try await store.tally()
        == ApprovalTally(counts: [.pending: 1, .approved: 1], oldestPending: second.created))
    clock.advance(1000)
    #expect(try await store.tally() == ApprovalTally(counts: [.expired: 2]))
  }

  @Test func everyChangeIsToldInOrder() async throws {
    var changes = store.changes().makeAsyncIterator()
    let request = try await store.ask(for: .sample(quorum: 2)).request
    _ = try await store.decide(request.id, .approve, by: .ada, reason: "")
    _ = try await store.decide(request.id, .approve, by: .bob, reason: "")
    _ = try await store.consume(request.id, digest: "aa")
    var states: [ApprovalState] = []
    for _ in 0..<4 { states.append(try #require(await changes.next()).state) }
    #expect(states == [.pending, .pending, .approved, .consumed])
    _ = try await store.ask(for: .sample(digest: "bb", lifetime: 1))
    #expect(await changes.next()?.state == .pending)
    clock.advance(2)
    try await store.sweep(prunes: true)
    #expect(await changes.next()?.state == .expired)
  }

  @Test func whatWasDecidedIsThereAfterReopening() async throws {
    let request = try await store.ask(for: .sample()).request
    _ = try await store.decide(request.id, .approve, by: .ada, reason: "fine")
    let reopened = try ApprovalStore(path: folder.database, clock: { [clock] in clock.now })
    let found = try await reopened.request(request.id)
    #expect(found.state == .approved)
    #expect(found.decisions.map(\.reason) == ["fine"])
    #expect(try await reopened.consume(request.id, digest: "aa") != nil)
    #expect(try await store.consume(request.id, digest: "aa") == nil)
  }

  @Test func theFileIsItsOwnersAlone() throws {
    func mode(_ path: String) throws -> Int {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      return try #require(attributes[.posixPermissions] as? Int)
    }
    for suffix in ["", "-wal", "-shm"] { #expect(try mode(folder.database + suffix) == 0o600) }
    let loose = folder.url.appendingPathComponent("loose.db").path
    _ = FileManager.default.createFile(
      atPath: loose, contents: nil, attributes: [.posixPermissions: 0o644])
    _ = try ApprovalStore(path: loose)
    #expect(try mode(loose) == 0o600)
  }

  @Test func aStoreThatCannotBeOpenedSaysWhy() {
    #expect {
      try ApprovalStore(path: "/nowhere/at/all/sluice.db")
    } throws: { error in
      "\(error)".contains("there is no folder /nowhere/at/all")
    }
    let text = folder.url.appendingPathComponent("text.db").path
    _ = FileManager.default.createFile(
      atPath: text, contents: Data(String(repeating: "no database ", count: 100).utf8))
    #expect {
      try ApprovalStore(path: text)
    } throws: { error in
      "\(error)".contains("text.db") && "\(error)".contains("not a database")
    }
  }
}
