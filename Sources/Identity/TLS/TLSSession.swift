internal import CTLS

/// One TLS connection between two pieces of memory: what arrived is read from one, what must leave is written to another.
/// No sockets, no waiting; used by one thread.
///
/// Each call names the memory that it may write to the peer's end (`output`); what it wrote is told by `produced`. What
/// the peer sent is given once with `take(input:)`, and must stay where it is until a call says `.needsInput`.
///
///     session.take(input: received)
///     while session.read(into: plain, at: end, output: spare) == .done { end += session.readCount }
///     socket.send(spare, session.produced)
@safe
public struct TLSSession: ~Copyable {
  public enum Step: Equatable, Sendable {
    case done
    /// Everything that has arrived is used up.
    case needsInput
    /// There is no room for what must be sent. Call again with more.
    case needsOutput
    /// The peer has said that it sends no more (close_notify).
    case ended
    /// It is over; an alert that tells the peer why may have been produced.
    case failed(TLSFailure)
  }

  private let raw: OpaquePointer

  /// Nil when there is no memory.
  public init?(_ context: TLSContextReference) {
    guard let made = unsafe tls_session_make(context.raw, nil) else { return nil }
    unsafe raw = made
  }

  /// - Parameter ticket: of an earlier session with the same server, to shorten the handshake.
  public init?(_ context: TLSContextReference, resuming ticket: borrowing TLSTicket) {
    guard let made = unsafe tls_session_make(context.raw, ticket.raw) else { return nil }
    unsafe raw = made
  }

  deinit { unsafe tls_session_free(raw) }

  /// Has the next calls read these bytes.
  ///
  /// Unsafe because the session keeps the address until they are used up; `forgetInput` ends that.
  @unsafe
  public mutating func take(input: RawSpan) {
    unsafe input.withUnsafeBytes { bytes in
      unsafe tls_session_set_input(raw, bytes.baseAddress, bytes.count)
    }
  }

  public mutating func forgetInput() { unsafe tls_session_set_input(raw, nil, 0) }

  /// Bytes that the last call wrote to its output.
  public var produced: Int { unsafe tls_session_output_count(raw) }

  /// Goes on with the handshake. The memory must hold `capacity` bytes.
  public mutating func handshake(output: UnsafeMutableRawPointer, capacity: Int) -> Step {
    unsafe tls_session_set_output(raw, output, capacity)
    return unsafe step(tls_session_handshake(raw))
  }

  /// Reads plain bytes; `count` is how many.
  public mutating func read(
    into plain: UnsafeMutableRawPointer, capacity plainCapacity: Int, count: inout Int,
    output: UnsafeMutableRawPointer, capacity: Int
  ) -> Step {
    unsafe tls_session_set_output(raw, output, capacity)
    return unsafe step(tls_session_read(raw, plain, plainCapacity, &count))
  }

  /// Encrypts all of `plain`, which with records' framing must fit (`TLSSession.sealedBytesMax`).
  public mutating func write(
    _ plain: RawSpan, output: UnsafeMutableRawPointer, capacity: Int
  ) -> Step {
    unsafe tls_session_set_output(raw, output, capacity)
    return unsafe plain.withUnsafeBytes { bytes in
      unsafe step(tls_session_write(raw, bytes.baseAddress, bytes.count))
    }
  }

  /// Says that nothing more will be sent (close_notify).
  public mutating func end(output: UnsafeMutableRawPointer, capacity: Int) -> Step {
    unsafe tls_session_set_output(raw, output, capacity)
    return unsafe step(tls_session_end(raw))
  }

  /// The most that `count` plain bytes become: records of 16 KiB with at most 64 bytes of framing each, and one for what
  /// the protocol itself has to say meanwhile.
  public static func sealedBytesMax(_ count: Int) -> Int {
    count &+ (count / 16384 &+ 1) &* 64 &+ 512
  }

  /// Whether the handshake was shortened by a ticket.
  public var isResumed: Bool { unsafe tls_session_is_resumed(raw) }

  /// What was agreed on, once the handshake is done.
  public var version: TLSVersion {
    unsafe tls_session_version(raw) == Int32(tls_version_1_3.rawValue) ? .tls13 : .tls12
  }

  /// A client's: what to remember for the next connection; nil when the server gave nothing.
  public mutating func ticket() -> TLSTicket? {
    guard let ticket = unsafe tls_session_ticket(raw) else { return nil }
    return unsafe TLSTicket(raw: ticket)
  }

  private func step(_ step: tls_step) -> Step {
    switch step {
    case tls_step_done: .done
    case tls_step_needs_input: .needsInput
    case tls_step_needs_output: .needsOutput
    case tls_step_ended: .ended
    default:
      .failed(
        TLSFailure(
          rawValue: UInt8(truncatingIfNeeded: unsafe tls_session_failure(raw).rawValue)) ?? .broken)
    }
  }
}

/// What a client remembers of a session, to shorten the next handshake with the same server.
@safe
public struct TLSTicket: ~Copyable {
  let raw: OpaquePointer

  init(raw: OpaquePointer) { unsafe self.raw = raw }

  deinit { unsafe tls_ticket_free(raw) }
}
