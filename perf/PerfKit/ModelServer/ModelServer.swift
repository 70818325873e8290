public import EventLoop
import Synchronization

/// What the model server's threads share.
final class ModelServerState: Sendable {
  let stops = Atomic<Bool>(false)
  /// Every thread has been woken: only now may their event loops, and with them the wakers, go.
  let mayEnd = Atomic<Bool>(false)
  let answered = Atomic<Int>(0)
  let port = Atomic<Int>(0)
  let failure = Mutex<IOError?>(nil)
  let wakers = Mutex<[Waker]>([])
  let backend = Mutex<String>("")
}

/// A very cheap MCP server to measure others with: it answers from memory, and reads no more of a request than its
/// framing, its method and its id.
public final class ModelServer: Sendable {
  private let state = ModelServerState()
  private let threads = Mutex<[WorkerThread]>([])

  /// Starts the threads; all listen on one port (SO_REUSEPORT).
  public init(_ settings: ModelServerSettings) throws(IOError) {
    let book = AnswerBook(settings)
    var settings = settings
    for index in 0..<max(1, settings.workers) {
      let own = settings
      let state = self.state
      let thread = try WorkerThread(name: "model-\(index)") {
        ModelServer.work(own, book, state)
      }
      threads.withLock { $0.append(thread) }
      while state.wakers.withLock({ $0.count }) <= index {
        if let failure = state.failure.withLock({ $0 }) {
          stop()
          throw failure
        }
        Clock.sleep(milliseconds: 1)
      }
      settings.port = UInt16(truncatingIfNeeded: state.port.load(ordering: .acquiring))
    }
  }

  public var port: UInt16 { UInt16(truncatingIfNeeded: state.port.load(ordering: .acquiring)) }

  /// "io_uring" or "epoll".
  public var backend: String { state.backend.withLock { $0 } }

  /// How many `tools/call` requests it has answered; exact once it has stopped.
  public var answered: Int { state.answered.load(ordering: .relaxed) }

  /// Ends the threads; connections are cut without ceremony. Does nothing the second time.
  public func stop() {
    state.stops.store(true, ordering: .relaxed)
    for waker in state.wakers.withLock({ $0 }) { waker.wake() }
    state.mayEnd.store(true, ordering: .releasing)
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in running { thread.join() }
    state.wakers.withLock { $0 = [] }
  }

  private static func work(
    _ settings: ModelServerSettings, _ book: AnswerBook, _ state: ModelServerState
  ) {
    do throws(IOError) {
      var worker = try ModelWorker(settings, book: book, state: state)
      var port: UInt16 = 0
      let address = try SocketAddress(host: settings.host, port: settings.port)
      _ = try worker.loop.listen(
        on: address, backlog: settings.backlog, token: Token(kind: 1, slot: 0), port: &port)
      state.port.store(Int(port), ordering: .releasing)
      state.backend.withLock { $0 = "\(worker.loop.backendName)" }
      let waker = worker.loop.waker
      state.wakers.withLock { $0.append(waker) }
      worker.run()
      while !state.mayEnd.load(ordering: .acquiring) { Clock.sleep(milliseconds: 1) }
    } catch {
      state.failure.withLock { $0 = error }
    }
  }
}
