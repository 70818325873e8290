internal import CLinux
internal import NIOCore
internal import NIOHTTP1

/// One connection of a worker: reads requests whole, one at a time, and hands them on with a reply to fill in.
///
/// The workers speak plain HTTP/1.1 and never pipeline. Nobody else is let in: the other end must be this very process,
/// and know the secret that was made when it started.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart

  private let authorization: [UInt8]
  private let bodyBytesMax: Int
  private let receive: @Sendable (BridgeRequest, BridgeReply) -> Void
  private var head: HTTPRequestHead?
  private var body: [UInt8] = []
  private var reply: BridgeReply?

  init(
    authorization: [UInt8], bodyBytesMax: Int,
    receive: @escaping @Sendable (BridgeRequest, BridgeReply) -> Void
  ) {
    self.authorization = authorization
    self.bodyBytesMax = bodyBytesMax
    self.receive = receive
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      // A second request before the first answer, or from who does not know the secret: not one of the workers.
      guard reply?.isDone != false, isAuthorized(head) else { return context.close(promise: nil) }
      self.head = head
      body = []
    case .body(let bytes):
      guard head != nil else { return }
      guard body.count + bytes.readableBytes <= bodyBytesMax else {
        head = nil
        return context.close(promise: nil)
      }
      body += bytes.readableBytesView
    case .end:
      guard let head = head.take() else { return }
      let reply = BridgeReply(ChannelOutput(channel: context.channel, keepsAlive: head.isKeepAlive))
      self.reply = reply
      receive(request(head), reply)
      body = []
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    reply?.disconnected()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func request(_ head: HTTPRequestHead) -> BridgeRequest {
    let method: BridgeRequest.Method =
      switch head.method {
      case .POST: .post
      case .GET: .get
      case .DELETE: .delete
      default: .other
      }
    return BridgeRequest(
      method: method, server: String(head.uri.drop { $0 == "/" }),
      session: head.headers.first(name: "mcp-session-id"),
      lastEventID: head.headers.first(name: "last-event-id"), body: body,
      agentAuthorization: head.headers.first(name: "sluice-agent-authorization"))
  }

  /// Compares without telling by its time how much was right.
  private func isAuthorized(_ head: HTTPRequestHead) -> Bool {
    let given = Array((head.headers.first(name: "authorization") ?? "").utf8)
    guard given.count == authorization.count else { return false }
    return zip(given, authorization).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

/// Writes an answer to a connection, from any thread.
struct ChannelOutput: BridgeOutput {
  let channel: any Channel
  let keepsAlive: Bool

  func head(_ status: Int, _ fields: [(name: String, value: String)], length: Int?) {
    var headers = HTTPHeaders(fields)
    if let length {
      headers.add(name: "content-length", value: "\(length)")
    } else {
      headers.add(name: "transfer-encoding", value: "chunked")
    }
    if !keepsAlive { headers.add(name: "connection", value: "close") }
    let head = HTTPResponseHead(
      version: .http1_1, status: .init(statusCode: status), headers: headers)
    channel.writeAndFlush(HTTPServerResponsePart.head(head), promise: nil)
  }

  func body(_ bytes: [UInt8], sent: @escaping @Sendable () -> Void) {
    let buffer = channel.allocator.buffer(bytes: bytes)
    channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(buffer)))
      .whenComplete { _ in sent() }
  }

  func end() {
    let ended: EventLoopFuture<Void> = channel.writeAndFlush(HTTPServerResponsePart.end(nil))
    guard !keepsAlive else { return }
    ended.whenComplete { [channel] _ in channel.close(promise: nil) }
  }

  func cut() { channel.close(promise: nil) }
}
