internal import CLinux
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Where the workers reach the bridge: a Unix socket of the abstract namespace with a name nobody can guess.
final class BridgeListener: Sendable {
  /// The socket's name, without the "@" it is shown with.
  let name: String
  /// What the field Authorization must say.
  let authorization: String
  private let channel: any Channel
  private let group: MultiThreadedEventLoopGroup

  /// Connections at once; the workers keep theirs open between requests.
  static let backlog = 4096

  /// - Throws: when the socket cannot be had.
  static func start(
    bodyBytesMax: Int, receive: @escaping @Sendable (BridgeRequest, BridgeReply) -> Void
  ) async throws -> BridgeListener {
    // 16 of 36 letters are 82 bits, and the name is not what keeps others out.
    let name = "sluice-" + RandomText.make(16)
    let authorization = "Bearer " + RandomText.make(48)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
      let descriptor = try listen(name)
      let expected = Array(authorization.utf8)
      let channel = try await ServerBootstrap(group: group)
        .childChannelInitializer { channel in
          isOwn(channel).flatMapThrowing {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
              withPipeliningAssistance: false, withErrorHandling: true)
            try pipeline.addHandler(
              ConnectionHandler(
                authorization: expected, bodyBytesMax: bodyBytesMax, receive: receive))
          }
        }
        .withBoundSocket(descriptor).get()
      return BridgeListener(name, authorization, channel, group)
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  private init(
    _ name: String, _ authorization: String, _ channel: any Channel,
    _ group: MultiThreadedEventLoopGroup
  ) {
    self.name = name
    self.authorization = authorization
    self.channel = channel
    self.group = group
  }

  /// Closes the socket and every connection.
  func stop() async {
    try? await channel.close()
    try? await group.shutdownGracefully()
  }

  struct ListenError: Error, CustomStringConvertible {
    let code: Int32
    var description: String { "the bridge to servers' processes cannot listen (errno \(code))" }
  }

  private static func listen(_ name: String) throws -> Int32 {
    var address = linux_address()
    let made = unsafe linux_address_make_local(&address, name)
    guard made == 0 else { throw ListenError(code: -made) }
    let descriptor = unsafe linux_listen(&address, Int32(backlog))
    guard descriptor >= 0 else { throw ListenError(code: -descriptor) }
    return descriptor
  }

  /// Whether the other end is this very process: no secret has to keep out what the kernel can tell apart.
  private static func isOwn(_ channel: any Channel) -> EventLoopFuture<Void> {
    guard let options = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }
    let peer: EventLoopFuture<linux_peer> = options.unsafeGetSocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: linux_peer_option))
    return peer.flatMapThrowing { peer in
      guard peer.process == linux_own_process() else { throw ChannelError.operationUnsupported }
    }
  }
}

/// Names and secrets nobody can guess.
enum RandomText {
  private static let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")

  /// About 5.2 bits per letter, from the system's random numbers.
  static func make(_ count: Int) -> String {
    var random = SystemRandomNumberGenerator()
    return String((0..<count).map { _ in letters.randomElement(using: &random)! })
  }
}
