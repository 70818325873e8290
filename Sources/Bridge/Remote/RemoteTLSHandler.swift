internal import Identity
internal import NIOCore

/// TLS of a connection to a server, with the same certificates and checks as the workers' connections.
final class RemoteTLSHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Keeps what the session refers to.
  private let tls: TLSContext
  private var session: TLSSession
  private var isEstablished = false
  private var hasFailed = false
  /// Plain bytes from before the handshake's end.
  private var waiting: [(ByteBuffer, EventLoopPromise<Void>?)] = []

  /// Plain bytes that are read at a time: one record.
  private static let recordBytes = 16384

  /// Nil when there is no memory.
  init?(_ tls: TLSContext) {
    guard let session = TLSSession(tls.reference) else { return nil }
    self.tls = tls
    self.session = session
  }

  func channelActive(context: ChannelHandlerContext) {
    handshake(context)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    unsafe buffer.withUnsafeReadableBytes { bytes in
      unsafe session.take(input: RawSpan(_unsafeBytes: bytes))
      if !isEstablished { handshake(context) }
      if isEstablished { readAll(context) }
    }
    session.forgetInput()
  }

  func write(
    context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
  ) {
    let buffer = unwrapOutboundIn(data)
    guard isEstablished else { return waiting.append((buffer, promise)) }
    seal(buffer, promise, context)
  }

  func close(
    context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
  ) {
    if isEstablished, !hasFailed {
      let (_, goodbye) = unsafe run(context, room: 512) { unsafe $0.end(output: $1, capacity: $2) }
      if goodbye.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(goodbye), promise: nil) }
    }
    context.close(mode: mode, promise: promise)
  }

  func channelInactive(context: ChannelHandlerContext) {
    for (_, promise) in waiting { promise?.fail(ChannelError.ioOnClosedChannel) }
    waiting = []
    context.fireChannelInactive()
  }

  // MARK: Steps

  private func handshake(_ context: ChannelHandlerContext) {
    let (step, output) = unsafe run(context, room: Self.recordBytes) {
      unsafe $0.handshake(output: $1, capacity: $2)
    }
    if output.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
    switch step {
    case .done:
      isEstablished = true
      let kept = waiting
      waiting = []
      for (buffer, promise) in kept { seal(buffer, promise, context) }
      context.flush()
    case .needsInput, .needsOutput: break
    case .ended, .failed: fail(context)
    }
  }

  private func readAll(_ context: ChannelHandlerContext) {
    while true {
      var plain = context.channel.allocator.buffer(capacity: Self.recordBytes)
      var step = TLSSession.Step.done
      var output = ByteBuffer()
      unsafe plain.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.recordBytes) { memory in
        var count = 0
        unsafe (step, output) = run(context, room: Self.recordBytes) {
          unsafe $0.read(
            into: memory.baseAddress!, capacity: memory.count, count: &count, output: $1,
            capacity: $2)
        }
        return count
      }
      if output.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
      if plain.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(plain)) }
      switch step {
      case .done, .needsOutput: continue
      case .needsInput: return
      case .ended: return context.close(promise: nil)
      case .failed: return fail(context)
      }
    }
  }

  private func seal(
    _ buffer: ByteBuffer, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
  ) {
    let room = TLSSession.sealedBytesMax(buffer.readableBytes)
    let (step, output) = unsafe run(context, room: room) { session, memory, capacity in
      unsafe buffer.withUnsafeReadableBytes { bytes in
        unsafe session.write(
          RawSpan(_unsafeBytes: bytes), output: memory, capacity: capacity)
      }
    }
    guard step == .done else {
      promise?.fail(RemoteFailure.untrusted)
      return fail(context)
    }
    context.write(wrapOutboundOut(output), promise: promise)
  }

  /// Takes one step, and another with fresh room as long as it asks for that.
  private func run(
    _ context: ChannelHandlerContext, room: Int,
    _ step: (inout TLSSession, UnsafeMutableRawPointer, Int) -> TLSSession.Step
  ) -> (TLSSession.Step, ByteBuffer) {
    var output = context.channel.allocator.buffer(capacity: room)
    while true {
      var result = TLSSession.Step.needsInput
      unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { memory in
        unsafe result = step(&session, memory.baseAddress!, memory.count)
        return session.produced
      }
      if result != .needsOutput { return (result, output) }
    }
  }

  private func fail(_ context: ChannelHandlerContext) {
    guard !hasFailed else { return }
    hasFailed = true
    context.fireErrorCaught(RemoteFailure.untrusted)
    context.close(promise: nil)
  }
}
