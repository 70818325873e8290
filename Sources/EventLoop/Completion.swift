/// What the owner of a socket attaches to it and gets back with every completion: what kind of thing the socket
/// belongs to, and which one. The event loop never looks inside.
public struct Token: BitwiseCopyable, Equatable, Sendable {
  /// The owner's own classification, for example listener, client connection, upstream connection.
  public var kind: UInt8
  /// The owner's slot, for example an index into a slab.
  public var slot: UInt32
  /// The owner's generation of that slot, so that a late completion cannot be taken for a newer one's.
  public var generation: UInt16

  @inlinable
  public init(kind: UInt8, slot: UInt32, generation: UInt16 = 0) {
    self.kind = kind
    self.slot = slot
    self.generation = generation
  }
}

/// A socket of one event loop. Handles of closed sockets are recognised by their generation and ignored.
public struct Socket: BitwiseCopyable, Equatable, Sendable {
  let index: UInt32
  let generation: UInt32

  /// No socket.
  public static var none: Socket { Socket(index: .max, generation: 0) }

  public var isNone: Bool { index == .max }
}

/// What an event loop reports.
public enum CompletionKind: UInt8, BitwiseCopyable, Sendable {
  /// A listener accepted a connection: `socket` is the new one, `token` the listener's. A negative result means
  /// that accepting has stopped (out of descriptors, for example) until `accept(on:)` is called again.
  case accepted
  /// An outgoing connection is established (result 0) or failed (result `-errno`).
  case connected
  /// Bytes arrived: `result` is their number and `buffer` holds them until `release`. Zero: the peer ended its
  /// direction. Negative: the connection failed. After zero or less nothing more arrives.
  case received
  /// Everything handed to `send` has left (result = its number of bytes), or the connection failed (`-errno`); then
  /// `transferred` says how much of it the kernel had taken: with none, nothing can have reached the peer.
  case sent
  /// The last completion of a socket after `close`: no operation refers to its buffers any more.
  case closed
  /// Another thread called the loop's `Waker`.
  case woken
}

/// One thing that happened, as a plain value: nothing is called back, so nothing is retained and nothing overlaps.
public struct Completion: BitwiseCopyable, Sendable {
  public var kind: CompletionKind
  public var token: Token
  public var socket: Socket
  /// A count of bytes, zero, or `-errno`; see `CompletionKind`.
  public var result: Int32
  /// Index of the receive buffer that holds the bytes, or -1. Give it to `bytes(of:)` and then to `release`.
  public var buffer: Int32
  /// `.sent` only: bytes that the kernel took, whatever became of the rest.
  public var transferred: Int32

  public init(
    kind: CompletionKind, token: Token, socket: Socket, result: Int32, buffer: Int32 = -1,
    transferred: Int32 = 0
  ) {
    self.kind = kind
    self.token = token
    self.socket = socket
    self.result = result
    self.buffer = buffer
    self.transferred = transferred
  }

  /// A value to let `EventLoop.next` write over.
  public static var empty: Completion {
    Completion(kind: .woken, token: Token(kind: 0, slot: 0), socket: .none, result: 0)
  }
}

/// An operating-system call that failed during set-up.
public struct IOError: Error, Equatable, CustomStringConvertible {
  /// What was being done, in words: "listen on 127.0.0.1:8080".
  public let operation: String
  /// The positive errno.
  public let code: Int32

  public init(operation: String, code: Int32) {
    self.operation = operation
    self.code = code < 0 ? -code : code
  }

  public var description: String { "\(operation): \(errorText(code)) (errno \(code))" }
}
