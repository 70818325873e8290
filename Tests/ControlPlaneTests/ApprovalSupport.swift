import Approvals
import CLinux
import Foundation
import Logging
import Outbound
import Policy
import SluiceConfiguration
import Synchronization

@testable import ControlPlane
@testable import Proxy

/// Calls that wait, without workers: a test says what they tell, and sees what they are told.
final class FakeCalls: WaitingCalls {
  private struct State {
    var messages: [HeldMessage] = []
    var answers: [(ticket: HeldTicket, answer: HeldAnswer)] = []
    var isFull = false
  }

  let wakeDescriptor = linux_eventfd_open()
  private let state = Mutex(State())

  deinit { _ = linux_close(wakeDescriptor) }

  /// What calls were told since the last time.
  func takeAnswers() -> [(ticket: HeldTicket, answer: HeldAnswer)] {
    state.withLock { state in
      defer { state.answers = [] }
      return state.answers
    }
  }

  func tell(_ message: HeldMessage) { state.withLock { $0.messages.append(message) } }
  func set(isFull: Bool) { state.withLock { $0.isFull = isFull } }

  /// As a worker does when it has told something.
  func wake() { _ = linux_eventfd_signal(wakeDescriptor) }

  func acknowledgeWake() { _ = linux_eventfd_clear(wakeDescriptor) }

  func next() -> HeldMessage? {
    state.withLock { $0.messages.isEmpty ? nil : $0.messages.removeFirst() }
  }

  func hasRoom(for ticket: HeldTicket) -> Bool { state.withLock { !$0.isFull } }

  func answer(_ ticket: HeldTicket, _ answer: HeldAnswer) -> Bool {
    state.withLock { state in
      guard !state.isFull else { return false }
      state.answers.append((ticket, answer))
      return true
    }
  }
}

extension HeldCall {
  /// The n-th call to wait. Calls with the same `what` are identical.
  static func sample(
    _ number: Int, _ what: UInt64 = 1, principal: String = "etl", person: String? = nil,
    session: String? = nil
  ) -> HeldCall {
    HeldCall(
      ticket: HeldTicket(worker: 0, slot: UInt32(number), serial: UInt64(number)),
      digest: CallDigest(words: (what, 0, 0, 0)), principal: principal, person: person,
      groups: ["loaders"], server: "orders", tool: "query", arguments: "{\"n\":\(what)}",
      rule: "writes", message: "Ticket?", policyRevision: 0xAB, reference: "ref\(number)",
      reviewers: ["dba"], quorum: 1, expiresMilliseconds: 60_000,
      request: session.map {
        HeldRequestID(principal: principal, server: "orders", session: $0, id: "\(number)")
      })
  }
}

extension Reviewer {
  static let ada = Reviewer(
    name: "ada", groups: ["dba"], person: Person.subject("ada"), principal: "corp/ada")
}

/// A desk over a store of its own. Nothing happens but what a test lets happen.
struct TestDesk {
  let folder: Folder
  let calls = FakeCalls()
  let store: ApprovalStore
  let desk: ApprovalDesk

  init(limits: ApprovalLimits = ApprovalLimits()) throws {
    folder = try Folder()
    store = try TestDesk.store(folder, limits)
    desk = ApprovalDesk(
      store: store, calls: calls,
      notifier: ApprovalNotifier(ApprovalsConfiguration(), logger: .silent), logger: .silent)
  }

  /// One whose clock stands: nothing expires, however long a test takes.
  static func store(
    _ folder: Folder, _ limits: ApprovalLimits = ApprovalLimits()
  ) throws -> ApprovalStore {
    try ApprovalStore(
      path: "\(folder.path)/approvals.db", limits: limits,
      clock: { Date(timeIntervalSince1970: 1_800_000_000) })
  }

  /// Lets calls wait, and returns the ids under which they were put before reviewers, as they were told.
  func hold(_ held: HeldCall...) async -> [String] {
    for call in held { calls.tell(.held(call)) }
    await desk.handle(.calls)
    return calls.takeAnswers().compactMap { told in
      if case .waiting(let id) = told.answer { id } else { nil }
    }
  }

  func decide(_ id: String, _ word: ApprovalDecision.Word, reason: String = "") async throws {
    let request = try await store.decide(id, word, by: .ada, reason: reason)
    await desk.handle(.change(request))
  }
}

extension Logger {
  static var silent: Logger {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
  }
}
