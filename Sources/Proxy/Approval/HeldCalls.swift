internal import CLinux
public import EventLoop
internal import Policy
internal import Synchronization

/// The calls that wait for an approval, over all workers of a gateway: where workers and the control plane meet.
///
///     let calls = try HeldCalls(workers: settings.workers)
///     let gateway = try Gateway(settings: settings, snapshot: snapshot, audit: log, holding: calls)
///     // whenever calls.wakeDescriptor is readable:
///     calls.acknowledgeWake()
///     while let message = calls.next() { … calls.answer(ticket, …) }
///
/// `next` and `answer` are for one task or thread at a time.
public final class HeldCalls: Sendable {
  /// What a worker may tell ahead of the control plane. A call that finds no room is refused.
  static var outgoingBytes: Int { 2 << 20 }
  /// What the control plane may tell ahead of a worker.
  static var incomingBytes: Int { 512 << 10 }
  /// Bytes of an answer's texts: ids, names, reasons. More is cut off.
  static var answerTextMax: Int { 1024 }
  static var answerBytesMax: Int { 3 * answerTextMax + 128 }

  /// Readable when there is something to take.
  public let wakeDescriptor: Int32
  let mailboxes: [Mailbox]
  /// Calls that wait now.
  let count = Atomic<Int>(0)

  public init(workers: Int) throws(IOError) {
    wakeDescriptor = linux_eventfd_open()
    guard wakeDescriptor >= 0 else {
      throw IOError(operation: "make an eventfd", code: wakeDescriptor)
    }
    let descriptor = wakeDescriptor
    mailboxes = (0..<max(1, workers)).map { _ in
      Mailbox(
        outgoingBytes: HeldCalls.outgoingBytes, incomingBytes: HeldCalls.incomingBytes,
        controlDescriptor: descriptor)
    }
  }

  deinit { _ = linux_close(wakeDescriptor) }

  /// How many calls wait now.
  public var waitingCount: Int { count.load(ordering: .relaxed) }

  /// Makes the descriptor unreadable until the next message. Call it before taking messages.
  public func acknowledgeWake() { _ = linux_eventfd_clear(wakeDescriptor) }

  /// The next message of any worker; nil when there is none.
  public func next() -> HeldMessage? {
    for (worker, mailbox) in mailboxes.enumerated() {
      if let message = mailbox.outgoing.pop({ HeldMessage($0, worker: worker) }) { return message }
    }
    return nil
  }

  /// Whether `answer` will find room: to be asked before an approval is used up.
  public func hasRoom(for ticket: HeldTicket) -> Bool {
    mailboxes[ticket.worker].incoming.roomBytes >= HeldCalls.answerBytesMax
  }

  /// Tells a held call's worker what became of it. False when the worker is so far behind that there is no room.
  @discardableResult
  public func answer(_ ticket: HeldTicket, _ answer: HeldAnswer) -> Bool {
    let mailbox = mailboxes[ticket.worker]
    let isTold = mailbox.incoming.push(upTo: HeldCalls.answerBytesMax) { out in
      answer.write(ticket, into: &out)
    }
    if isTold { mailbox.wakeWorker() }
    return isTold
  }
}
