import EventLoop
import Glibc
import Synchronization
import Testing

@Suite struct WorkerThreadTests {
  /// Whether a thread may go back to a better priority than it has: root, as a rule.
  static var mayRaisePriority: Bool { geteuid() == 0 }

  private static let ofProcess = __priority_which_t(PRIO_PROCESS.rawValue)

  private final class Found: Sendable {
    let priority = Atomic<Int>(.max)
  }

  /// A worker runs as the process was started (`nice`, a service's `Nice=`) and not as the thread that makes it happens to
  /// run, which may be one that dispatch has given a priority of its own.
  @Test(.enabled(if: mayRaisePriority, "needs the right to raise a priority"))
  func aWorkerHasTheProcessesPriority() throws {
    let expected = getpriority(Self.ofProcess, UInt32(getpid()))
    let found = Found()
    let maker = try WorkerThread(name: "maker") {
      guard setpriority(Self.ofProcess, 0, expected + 3) == 0 else { return }
      let worker = try? WorkerThread(name: "worker") {
        found.priority.store(Int(getpriority(Self.ofProcess, 0)), ordering: .relaxed)
      }
      worker?.join()
    }
    maker.join()
    #expect(found.priority.load(ordering: .relaxed) == Int(expected))
  }

  @Test func aLongNameIsCutAndTheBodyRuns() throws {
    let found = Found()
    let thread = try WorkerThread(name: "a-name-of-more-than-fifteen-bytes") {
      found.priority.store(1, ordering: .relaxed)
    }
    thread.join()
    #expect(found.priority.load(ordering: .relaxed) == 1)
  }
}
