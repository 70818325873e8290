internal import Proxy

/// The workers' side of approvals, as the desk needs it: `HeldCalls`, or a test's.
protocol WaitingCalls: Sendable {
  /// Readable when there is something to take.
  var wakeDescriptor: Int32 { get }
  func acknowledgeWake()
  func next() -> HeldMessage?
  func hasRoom(for ticket: HeldTicket) -> Bool
  @discardableResult
  func answer(_ ticket: HeldTicket, _ answer: HeldAnswer) -> Bool
}

extension HeldCalls: WaitingCalls {}
