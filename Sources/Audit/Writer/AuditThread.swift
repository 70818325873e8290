internal import CLinux
internal import Glibc

/// A thread of the operating system that runs one function to its end. The audit writer blocks on disks, so it must
/// not borrow a thread from a pool that others need.
struct AuditThread: Sendable {
  private let handle: pthread_t

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    let name: String
    init(name: String, run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// - Parameter name: at most 15 bytes, for tools that list threads.
  init(name: String, _ run: @escaping @Sendable () -> Void) throws(AuditError) {
    let body = unsafe Unmanaged.passRetained(Body(name: name, run: run))
    var handle = pthread_t()
    let code = unsafe pthread_create(
      &handle, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        unsafe linux_begin_thread(body.name)
        body.run()
        return nil
      }, body.toOpaque())
    guard code == 0 else {
      unsafe body.release()
      throw .cannotStartThread(code: code)
    }
    self.handle = handle
  }

  func join() { _ = pthread_join(handle, nil) }
}
