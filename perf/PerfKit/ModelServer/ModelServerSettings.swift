public import EventLoop

/// What a model server listens on and answers.
public struct ModelServerSettings: Sendable {
  public var host = "127.0.0.1"
  /// 0 lets the kernel choose.
  public var port: UInt16 = 0
  /// Length of a `tools/call` answer's JSON document in bytes.
  public var bytes = 4096
  public var shape = AnswerShape.structured
  /// Answers every call as an event stream; otherwise only those whose arguments say `"stream":true`.
  public var sse = false
  /// Notifications before the answer of an event stream.
  public var events = 0
  /// How long each `tools/call` is held. Below a millisecond only io_uring is exact.
  public var delayMicroseconds = 0
  /// Frames JSON answers as chunks and not with a length.
  public var chunked = false
  public var eras: Set<WireEra> = [.legacy, .modern]
  public var workers = 1
  public var io = IOChoice.automatic
  public var connectionsMax = 16384
  public var backlog = 4096
  /// A longer request is refused with 413.
  public var requestBytesMax = 16 << 20

  public init() {}
}
