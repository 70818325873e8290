internal import Logging
internal import Synchronization

/// One session of the legacy era with a server that speaks only the modern one. To the bridge it is a process like any
/// other: legacy messages go in, legacy messages come out.
final class ModernProcess: ServerProcess {
  private let input: AsyncStream<[UInt8]>.Continuation
  private let waiting: WaitingBytes
  private let inputBytesMax: Int
  private let task: Task<Void, Never>

  init(
    _ server: BridgedServer, _ remote: RemoteServer, client: any RemoteSender, log: Logger,
    events: @escaping @Sendable (ProcessEvent) async -> Void
  ) {
    let (lines, input) = AsyncStream<[UInt8]>.makeStream()
    let (out, output) = AsyncStream<ProcessEvent>.makeStream()
    self.input = input
    inputBytesMax = server.limits.inputBytesMax
    let session = ModernSession(server, remote, client: client, log: log) { output.yield($0) }
    let waiting = WaitingBytes()
    self.waiting = waiting
    task = Task {
      async let telling: Void = {
        for await event in out { await events(event) }
      }()
      for await line in lines {
        waiting.subtract(line.count)
        await session.take(line)
      }
      await session.end()
      output.yield(.ended("its session has ended"))
      output.finish()
      await telling
    }
  }

  func send(_ line: [UInt8]) -> Bool {
    guard waiting.add(line.count, upTo: inputBytesMax) else { return false }
    guard case .enqueued = input.yield(line) else { return false }
    return true
  }

  func end() { input.finish() }

  func waitUntilEnded() async { await task.value }
}

/// Bytes that wait in a queue.
final class WaitingBytes: Sendable {
  private let count = Atomic<Int>(0)

  /// False, and nothing is added, when there would be too many.
  func add(_ bytes: Int, upTo most: Int) -> Bool {
    let (_, now) = count.add(bytes, ordering: .relaxed)
    if now <= most { return true }
    count.subtract(bytes, ordering: .relaxed)
    return false
  }

  func subtract(_ bytes: Int) { count.subtract(bytes, ordering: .relaxed) }
}
