internal import CLinux
import Glibc

/// A thread of its own for one worker: no queue, no executor, nothing of Swift's concurrency runs on it.
///
/// What the worker owns is made inside `body`, on the thread itself, so nothing crosses.
@safe
public final class WorkerThread: @unchecked Sendable {
  private var handle = pthread_t()

  private final class Box {
    let name: String
    let cpu: Int32?
    let body: @Sendable () -> Void

    init(name: String, cpu: Int32?, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.cpu = cpu
      self.body = body
    }
  }

  /// - Parameters:
  ///   - name: shown by `top -H`; the kernel keeps 15 bytes.
  ///   - cpu: the processor to stay on, or nil for any.
  /// - Throws: `IOError` when the kernel gives no thread.
  public init(
    name: String, cpu: Int32? = nil, body: @escaping @Sendable () -> Void
  ) throws(IOError) {
    let box = unsafe Unmanaged.passRetained(Box(name: name, cpu: cpu, body: body))
    let code = unsafe pthread_create(
      &handle, nil,
      { argument in
        let box = unsafe Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue()
        unsafe linux_begin_thread(box.name)
        if let cpu = box.cpu { _ = linux_pin_thread(cpu) }
        box.body()
        return nil
      }, unsafe box.toOpaque())
    guard code == 0 else {
      unsafe box.release()
      throw IOError(operation: "start thread \(name)", code: code)
    }
  }

  /// Waits until the thread's body has returned. Call once.
  public func join() { _ = pthread_join(handle, nil) }

  /// The processors this process may use, in order.
  public static func availableCPUs() -> [Int32] {
    var cpus = [Int32](repeating: 0, count: 1024)
    let found = unsafe cpus.withUnsafeMutableBufferPointer {
      unsafe linux_available_cpus($0.baseAddress, Int32($0.count))
    }
    return Array(cpus.prefix(max(0, Int(found))))
  }
}
