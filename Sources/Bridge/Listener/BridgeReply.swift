internal import Synchronization

/// The answer to one request of a worker: a JSON body when one message says it all, an event stream when others go before
/// it. Calls from anywhere, in the order they are to arrive; what comes after the end is dropped.
final class BridgeReply: Sendable {
  private enum Phase { case waiting, streaming, done }

  private struct State {
    var phase = Phase.waiting
    var isGone = false
    var isCut = false
    var whenGone: (@Sendable () -> Void)?
    /// Bytes of a stream that wait for a worker that does not read; beyond, the stream is cut.
    var waitingBytesMax: Int
  }

  private let output: any BridgeOutput
  private let state: Mutex<State>
  private let waitingBytes = Atomic<Int>(0)

  init(_ output: any BridgeOutput, waitingBytesMax: Int = 32 << 20) {
    self.output = output
    state = Mutex(State(waitingBytesMax: waitingBytesMax))
  }

  /// Whether nothing can be added any more.
  var isDone: Bool { state.withLock { $0.phase == .done || $0.isGone || $0.isCut } }
  var isStreaming: Bool { state.withLock { $0.phase == .streaming && !$0.isGone && !$0.isCut } }
  /// Whether its stream was cut, because too much waited for the other side.
  var isCut: Bool { state.withLock { $0.isCut } }

  // MARK: Answers

  /// The whole answer: JSON, or nothing when `body` is nil. As the last event of a stream that was begun, with the id `event`.
  func finish(_ status: Int, _ body: [UInt8]?, session: String? = nil, event: String? = nil) {
    state.withLock { state in
      switch state.phase {
      case .waiting:
        var fields: [(String, String)] = []
        if body != nil { fields.append(("content-type", "application/json")) }
        if let session { fields.append(("mcp-session-id", session)) }
        output.head(status, fields, length: body?.count ?? 0)
        if let body { output.body(body) {} }
      case .streaming:
        if let body, !state.isCut { send(Self.event(body, id: event), &state) }
      case .done: return
      }
      state.phase = .done
      state.whenGone = nil
      if !state.isCut { output.end() }
    }
  }

  /// A message before the answer, or one of a session's own stream.
  /// - Parameter id: what the stream can be taken up with behind it; nil for nothing.
  func event(_ message: [UInt8], id: String? = nil) {
    state.withLock { state in
      guard begin(&state) else { return }
      send(Self.event(message, id: id), &state)
    }
  }

  /// Begins a stream of its own, which has an id, and of which less may wait than of others.
  func open(stream id: String, waitingBytesMax: Int) {
    state.withLock { state in
      state.waitingBytesMax = waitingBytesMax
      _ = begin(&state, session: id)
    }
  }

  /// Begins a stream, or shows that it is alive.
  func keepAlive() {
    state.withLock { state in
      guard begin(&state) else { return }
      send(Array(": alive\n\n".utf8), &state)
    }
  }

  private func begin(_ state: inout State, session: String? = nil) -> Bool {
    switch state.phase {
    case .done: return false
    case .streaming: return !state.isGone && !state.isCut
    case .waiting:
      state.phase = .streaming
      var fields = [
        ("content-type", "text/event-stream"), ("cache-control", "no-cache, no-transform"),
      ]
      if let session { fields.append(("mcp-session-id", session)) }
      output.head(200, fields, length: nil)
      return !state.isGone
    }
  }

  private func send(_ bytes: [UInt8], _ state: inout State) {
    let count = bytes.count
    let (_, waiting) = waitingBytes.add(count, ordering: .relaxed)
    guard waiting <= state.waitingBytesMax else {
      state.isCut = true
      return output.cut()
    }
    output.body(bytes) { self.waitingBytes.subtract(count, ordering: .relaxed) }
  }

  private static func event(_ message: [UInt8], id: String?) -> [UInt8] {
    let first = id.map { "id: \($0)\n" } ?? ""
    return Array("\(first)event: message\ndata: ".utf8) + message + [0x0A, 0x0A]
  }

  // MARK: The other side

  /// The connection is gone: nobody waits for the answer any more.
  func disconnected() {
    let action = state.withLock { state in
      state.isGone = true
      let action = state.phase == .done ? nil : state.whenGone
      state.whenGone = nil
      return action
    }
    action?()
  }

  /// Calls `action` when the connection goes before the answer is complete; at once if it has gone already.
  func whenGone(_ action: @escaping @Sendable () -> Void) {
    let isGone = state.withLock { state in
      guard state.phase != .done else { return false }
      if !state.isGone { state.whenGone = action }
      return state.isGone
    }
    if isGone { action() }
  }
}
