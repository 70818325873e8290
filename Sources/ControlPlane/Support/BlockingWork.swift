import Dispatch

/// Work that waits for a disk, a child process or a name server: on threads of its own, so that no task of the control
/// plane has to wait for its turn meanwhile.
enum BlockingWork {
  private static let queue = DispatchQueue(label: "control-plane", attributes: .concurrent)

  static func run<Success: Sendable>(_ work: @escaping @Sendable () -> Success) async -> Success {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: work()) }
    }
  }

  static func run<Success: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Success
  ) async throws(Failure) -> Success {
    let result: Result<Success, Failure> = await run { () -> Result<Success, Failure> in
      do throws(Failure) { return .success(try work()) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
