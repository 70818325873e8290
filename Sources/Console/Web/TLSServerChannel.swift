internal import HummingbirdCore
internal import Identity
internal import Logging
internal import NIOCore

/// Connections that speak TLS below another protocol.
struct TLSServerChannel<Base: ServerChildChannel>: ServerChildChannel {
  let base: Base
  /// How long a handshake may take.
  let seconds: Int
  /// What connections that begin now are opened with.
  let context: @Sendable () -> TLSContext?

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    channel.eventLoop.makeCompletedFuture {
      guard let context = context(), let handler = TLSHandler(context, seconds: seconds) else {
        throw ChannelError.inappropriateOperationForState
      }
      try channel.pipeline.syncOperations.addHandler(handler)
    }.flatMap {
      base.setup(channel: channel, logger: logger)
    }
  }

  func handle(value: Base.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}

/// One connection's TLS: sealed bytes towards the network, plain ones towards the pages. The same OpenSSL, with the same
/// rules, as on the gateway's listeners.
final class TLSHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Most sealed bytes that one step leaves behind.
  private static let outputBytes = 32 << 10
  /// Most plain bytes that one step reads: a record.
  private static let plainBytes = 16 << 10

  private var session: TLSSession
  private let seconds: Int
  private var isOpen = false
  private var isOver = false
  private var deadline: Scheduled<Void>?

  init?(_ context: TLSContext, seconds: Int) {
    guard let session = TLSSession(context.reference) else { return nil }
    self.session = session
    self.seconds = seconds
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = context.channel
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Int64(seconds))) {
      [self] in
      if !isOpen { bound.close(mode: .all, promise: nil) }
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

  // MARK: From the network

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    let sealed = unwrapInboundIn(data)
    var plain = context.channel.allocator.buffer(capacity: sealed.readableBytes)
    unsafe sealed.withUnsafeReadableBytes { bytes in
      unsafe session.take(input: RawSpan(_unsafeBytes: bytes))
      while !isOver, step(context, into: &plain) {}
      session.forgetInput()
    }
    if plain.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(plain)) }
    if isOver { context.close(mode: .all, promise: nil) }
  }

  /// One step on with what has arrived; false when that is used up.
  private func step(_ context: ChannelHandlerContext, into plain: inout ByteBuffer) -> Bool {
    var outcome = TLSSession.Step.done
    let output = unsafe sealed(context, capacity: Self.outputBytes) { place, capacity in
      guard isOpen else {
        outcome = unsafe session.handshake(output: place, capacity: capacity)
        return
      }
      var count = 0
      unsafe plain.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.plainBytes) { room in
        outcome = unsafe session.read(
          into: room.baseAddress!, capacity: room.count, count: &count, output: place,
          capacity: capacity)
        return count
      }
    }
    if output.readableBytes > 0 {
      context.writeAndFlush(wrapOutboundOut(output), promise: nil)
    }
    switch outcome {
    case .done:
      isOpen = true
      return true
    case .needsOutput: return true
    case .needsInput: return false
    case .ended, .failed:
      isOver = true
      return false
    }
  }

  // MARK: Towards the network

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let plain = unwrapOutboundIn(data)
    guard plain.readableBytes > 0 else {
      return context.write(data, promise: promise)
    }
    guard isOpen, !isOver else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    var outcome = TLSSession.Step.done
    let room = TLSSession.sealedBytesMax(plain.readableBytes)
    let output = unsafe sealed(context, capacity: room) { place, capacity in
      unsafe plain.withUnsafeReadableBytes { bytes in
        outcome = unsafe session.write(
          RawSpan(_unsafeBytes: bytes), output: place, capacity: capacity)
      }
    }
    guard outcome == .done else {
      isOver = true
      promise?.fail(ChannelError.ioOnClosedChannel)
      return context.close(mode: .all, promise: nil)
    }
    context.write(wrapOutboundOut(output), promise: promise)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if isOpen, !isOver, mode != .input {
      isOver = mode == .all
      let output = unsafe sealed(context, capacity: Self.outputBytes) { place, capacity in
        _ = unsafe session.end(output: place, capacity: capacity)
      }
      if output.readableBytes > 0 {
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
      }
    }
    context.close(mode: mode, promise: promise)
  }

  /// What the session leaves in a piece of memory of this size.
  private func sealed(
    _ context: ChannelHandlerContext, capacity: Int,
    _ body: (UnsafeMutableRawPointer, Int) -> Void
  ) -> ByteBuffer {
    var output = context.channel.allocator.buffer(capacity: capacity)
    unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { room in
      unsafe body(room.baseAddress!, room.count)
      return session.produced
    }
    return output
  }
}
