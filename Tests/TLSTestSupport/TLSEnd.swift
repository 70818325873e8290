public import Identity

/// One end of a TLS connection in memory.
public final class TLSEnd {
  private var session: TLSSession
  public private(set) var isEstablished = false
  public private(set) var plain: [UInt8] = []
  public private(set) var hasEnded = false
  public private(set) var failure: TLSFailure?
  /// Ciphertext for the other end.
  public var outgoing: [UInt8] = []

  public init(_ context: TLSContext) { session = TLSSession(context.reference)! }

  public init(_ context: TLSContext, resuming ticket: borrowing TLSTicket) {
    session = TLSSession(context.reference, resuming: ticket)!
  }

  public var isResumed: Bool { session.isResumed }
  public var version: TLSVersion { session.version }
  public func ticket() -> TLSTicket? { session.ticket() }

  /// Calls `step` with memory to write to, until it needs no more of it.
  private func run(
    room: Int, _ step: (inout TLSSession, UnsafeMutableRawPointer, Int) -> TLSSession.Step
  ) -> TLSSession.Step {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
    defer { unsafe memory.deallocate() }
    while true {
      let result = unsafe step(&session, memory.baseAddress!, room)
      unsafe outgoing += memory[..<session.produced]
      if case .failed(let reason) = result { failure = reason }
      if result != .needsOutput { return result }
    }
  }

  /// Goes on with what has arrived.
  public func take(_ bytes: [UInt8], room: Int = 16384) {
    guard failure == nil else { return }
    unsafe bytes.withUnsafeBytes { buffer in
      unsafe session.take(input: RawSpan(_unsafeBytes: buffer))
      if !isEstablished {
        let step = unsafe run(room: room) { unsafe $0.handshake(output: $1, capacity: $2) }
        guard step == .done else { return }
        isEstablished = true
      }
      readAll(room: room)
    }
    session.forgetInput()
  }

  private func readAll(room: Int) {
    var step = TLSSession.Step.done
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 20000, alignment: 16)
    defer { unsafe memory.deallocate() }
    while step == .done {
      var count = 0
      step = unsafe run(room: room) {
        unsafe $0.read(
          into: memory.baseAddress!, capacity: memory.count, count: &count, output: $1,
          capacity: $2)
      }
      unsafe plain += memory[..<count]
    }
    if step == .ended { hasEnded = true }
  }

  public func send(_ bytes: [UInt8]) {
    let step = unsafe run(room: TLSSession.sealedBytesMax(bytes.count)) {
      unsafe $0.write(bytes.span.bytes, output: $1, capacity: $2)
    }
    precondition(step == .done)
  }

  public func end() { _ = unsafe run(room: 512) { unsafe $0.end(output: $1, capacity: $2) } }

  public func takePlain() -> [UInt8] {
    defer { plain = [] }
    return plain
  }
}

/// Lets both ends talk until neither has anything to say; at most `bytesMax` bytes pass at a time.
public func converse(_ client: TLSEnd, _ server: TLSEnd, bytesMax: Int = 16384, room: Int = 16384) {
  client.take([], room: room)
  for _ in 0..<100_000 {
    let toServer = Array(client.outgoing.prefix(bytesMax))
    client.outgoing.removeFirst(toServer.count)
    if !toServer.isEmpty { server.take(toServer, room: room) }
    let toClient = Array(server.outgoing.prefix(bytesMax))
    server.outgoing.removeFirst(toClient.count)
    if !toClient.isEmpty { client.take(toClient, room: room) }
    if toServer.isEmpty && toClient.isEmpty { return }
  }
}
