internal import CLinux
internal import Synchronization

/// Messages both ways between one worker and the control plane, with a wake-up for each side.
///
/// A worker looks into its side on every turn of its loop, which the wake-up only hastens; the control plane sleeps until its
/// descriptor is readable.
@safe
final class Mailbox: Sendable {
  /// From the worker to the control plane.
  let outgoing: MessageRing
  /// From the control plane to the worker.
  let incoming: MessageRing
  private let controlDescriptor: Int32
  /// The worker's wake-up; -1 while it has none.
  private let workerDescriptor = Atomic<Int32>(-1)

  /// - Parameter controlDescriptor: an eventfd that outlives this.
  init(outgoingBytes: Int, incomingBytes: Int, controlDescriptor: Int32) {
    outgoing = MessageRing(capacity: outgoingBytes)
    incoming = MessageRing(capacity: incomingBytes)
    self.controlDescriptor = controlDescriptor
  }

  /// Tells how to wake the worker.
  func attach(workerDescriptor descriptor: Int32) {
    workerDescriptor.store(descriptor, ordering: .releasing)
  }

  func wakeControl() { _ = linux_eventfd_signal(controlDescriptor) }

  func wakeWorker() {
    let descriptor = workerDescriptor.load(ordering: .acquiring)
    if descriptor >= 0 { _ = linux_eventfd_signal(descriptor) }
  }
}
