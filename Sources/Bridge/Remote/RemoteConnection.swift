internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// What comes of a request, in order: a head, pieces of the body, the end of the sequence.
enum RemotePart: Sendable {
  case head(RemoteHead)
  case piece([UInt8])
}

/// One connection to a server: a request, its answer, and the next. On its event loop only, but for `RemoteAnswer`.
final class RemoteConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private let limits: RemoteLimits
  /// Called when the connection can carry another request, and when it is gone.
  private let whenFree: @Sendable (RemoteLink) -> Void
  private let whenClosed: @Sendable (RemoteLink) -> Void
  private var feed: AsyncThrowingStream<RemotePart, any Error>.Continuation?
  private var context: ChannelHandlerContext?
  private var link: RemoteLink?
  private var head = RemoteHead()
  /// Bytes of the answer that nobody has taken yet.
  private var waitingBytes = 0
  private var isReading = false
  private var timeout: Scheduled<Void>?
  private var failure: RemoteFailure?

  init(
    limits: RemoteLimits, whenFree: @escaping @Sendable (RemoteLink) -> Void,
    whenClosed: @escaping @Sendable (RemoteLink) -> Void
  ) {
    self.limits = limits
    self.whenFree = whenFree
    self.whenClosed = whenClosed
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    link = RemoteLink(
      channel: context.channel, connection: NIOLoopBound(self, eventLoop: context.eventLoop))
  }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  // MARK: Asking

  /// Sends a request; what comes of it goes to `feed`.
  func send(
    _ request: RemoteRequest, _ access: RemoteAccess,
    _ feed: AsyncThrowingStream<RemotePart, any Error>.Continuation
  ) {
    guard let context, context.channel.isActive, self.feed == nil else {
      return feed.finish(throwing: RemoteFailure.unreachable)
    }
    self.feed = feed
    head = RemoteHead()
    waitingBytes = 0
    failure = nil
    var fields = HTTPHeaders([("host", access.authority), ("accept-encoding", "identity")])
    for (name, value) in request.fields { fields.add(name: name, value: value) }
    if let credential = access.credential {
      fields.add(name: credential.field, value: credential.value.text)
    }
    if request.method == .post {
      fields.add(name: "content-length", value: "\(request.body.count)")
    }
    let head = HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: request.method.rawValue), uri: request.target,
      headers: fields)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if !request.body.isEmpty {
      let body = context.channel.allocator.buffer(bytes: request.body)
      context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    expire(in: limits.firstByteTime, .silent)
    readMore()
  }

  /// The reader has taken this much.
  func taken(_ count: Int) {
    waitingBytes -= count
    readMore()
  }

  /// The reader has gone before the end.
  func abandon() {
    guard feed != nil else { return }
    feed = nil
    context?.close(promise: nil)
  }

  /// Notices the end of a connection that waits for its next request.
  func idle() { readMore() }

  private func readMore() {
    guard let context, !isReading, waitingBytes <= limits.aheadBytesMax else { return }
    isReading = true
    context.read()
  }

  private func expire(in time: Duration, _ why: RemoteFailure) {
    timeout?.cancel()
    guard let context else { return }
    let amount = TimeAmount.nanoseconds(Int64(time / .nanoseconds(1)))
    timeout = context.eventLoop.assumeIsolated().scheduleTask(in: amount) { [weak self] in
      self?.fail(why)
    }
  }

  // MARK: Answers

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let feed else {
      // A server that speaks out of turn cannot be trusted with the next request.
      return context.close(promise: nil)
    }
    switch unwrapInboundIn(data) {
    case .head(let head):
      guard head.status.code >= 200 else { return }
      timeout?.cancel()
      self.head = RemoteHead(head)
      guard head.headers["content-encoding"].allSatisfy({ $0 == "identity" }) else {
        return fail(.encoded)
      }
      feed.yield(.head(self.head))
    case .body(let bytes):
      waitingBytes += bytes.readableBytes
      feed.yield(.piece(Array(bytes.readableBytesView)))
    case .end:
      self.feed = nil
      feed.finish()
      guard self.head.keepsAlive, let link else { return context.close(promise: nil) }
      whenFree(link)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    readMore()
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    timeout?.cancel()
    let feed = feed.take()
    feed?.finish(throwing: failure ?? (head.status > 0 ? .broken : .unreachable))
    if let link { whenClosed(link) }
    link = nil
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail(error as? RemoteFailure ?? (error is HTTPParserError ? .malformed : .broken))
  }

  private func fail(_ why: RemoteFailure) {
    failure = failure ?? why
    let feed = feed.take()
    feed?.finish(throwing: why)
    context?.close(promise: nil)
  }
}

extension RemoteHead {
  fileprivate init(_ head: HTTPResponseHead) {
    status = Int(head.status.code)
    keepsAlive = head.isKeepAlive
    session = head.headers.first(name: "mcp-session-id")
    let media = head.headers.first(name: "content-type")?.prefix { $0 != ";" }.lowercased()
    switch media?.filter({ $0 != " " }) {
    case "application/json": content = .json
    case "text/event-stream": content = .eventStream
    default: content = .other
    }
  }
}

/// A connection as others hold it.
struct RemoteLink: Sendable {
  let channel: any Channel
  let connection: NIOLoopBound<RemoteConnection>

  var isActive: Bool { channel.isActive }

  func run(_ work: @escaping @Sendable (RemoteConnection) -> Void) {
    channel.eventLoop.execute { [connection] in work(connection.value) }
  }
}
