internal import CLinux
internal import Identity
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// Whatever sends a request to a server.
protocol RemoteSender: Sendable {
  /// Returns when the head of the answer has come.
  /// - Throws: `RemoteFailure`, or `CancellationError`.
  func send(_ request: RemoteRequest) async throws -> RemoteAnswer
}

/// Requests to one server over HTTP/1.1, plain or over TLS, on connections that are kept for a while.
///
///     let answer = try await client.send(request)
///     while let piece = try await answer.next() { … }      // letting go of `answer` early closes the connection
final class RemoteClient: RemoteSender {
  private struct Idle {
    var link: RemoteLink
    var since: ContinuousClock.Instant
  }

  private struct State {
    var idle: [Idle] = []
    var count = 0
  }

  private let place: RemotePlace
  private let limits: RemoteLimits
  private let state = Mutex(State())

  init(_ place: RemotePlace, limits: RemoteLimits = RemoteLimits()) {
    self.place = place
    self.limits = limits
  }

  deinit { state.withLock { for entry in $0.idle { entry.link.channel.close(promise: nil) } } }

  func send(_ request: RemoteRequest) async throws -> RemoteAnswer {
    let access = place.now
    if let link = takeIdle() {
      do {
        return try await RemoteAnswer.begin(request, access, on: link)
      } catch let failure as RemoteFailure where failure == .unreachable && request.isRepeatable {
        // It was about to be closed by the server; a fresh one is not.
      }
    }
    return try await RemoteAnswer.begin(request, access, on: try await connect(access))
  }

  private func takeIdle() -> RemoteLink? {
    state.withLock { state in
      while let entry = state.idle.popLast() {
        if entry.link.isActive, ContinuousClock.now - entry.since < limits.idleTime {
          return entry.link
        }
        entry.link.channel.close(promise: nil)
      }
      return nil
    }
  }

  private func connect(_ access: RemoteAccess) async throws -> RemoteLink {
    let hasRoom = state.withLock { state in
      guard state.count < limits.connectionsMax else { return false }
      state.count += 1
      return true
    }
    guard hasRoom else { throw RemoteFailure.tooMany }
    do {
      return try await open(access)
    } catch {
      state.withLock { $0.count -= 1 }
      throw error as? RemoteFailure ?? RemoteFailure.unreachable
    }
  }

  private func open(_ access: RemoteAccess) async throws -> RemoteLink {
    let limits = limits
    let isLocal = access.host.hasPrefix("@")
    var bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connectTimeout(.nanoseconds(Int64(limits.connectTime / .nanoseconds(1))))
    if !isLocal { bootstrap = bootstrap.channelOption(.socketOption(.tcp_nodelay), value: 1) }
    bootstrap =
      bootstrap
      .channelOption(.autoRead, value: false)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let tls = access.tls {
            guard let handler = RemoteTLSHandler(tls) else { throw RemoteFailure.untrusted }
            try pipeline.addHandler(handler)
          }
          try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
          try pipeline.addHandler(
            RemoteConnection(
              limits: limits, whenFree: { [weak self] link in self?.keep(link) },
              whenClosed: { [weak self] link in self?.forget(link) }))
        }
      }
    let channel =
      isLocal
      ? try await bootstrap.withConnectedSocket(try Self.connectLocally(access.host)).get()
      : try await bootstrap.connect(
        to: try SocketAddress(ipAddress: access.host, port: Int(access.port))
      ).get()
    return try await channel.eventLoop.submit {
      RemoteLink(
        channel: channel,
        connection: NIOLoopBound(
          try channel.pipeline.syncOperations.handler(type: RemoteConnection.self),
          eventLoop: channel.eventLoop))
    }.get()
  }

  /// A connection to a Unix socket of the abstract namespace, "@name": made at once, or not at all.
  private static func connectLocally(_ host: String) throws(RemoteFailure) -> Int32 {
    var address = linux_address()
    guard unsafe linux_address_make(&address, host, 0) == 0 else { throw .unreachable }
    let descriptor = unsafe linux_stream_socket(&address)
    guard descriptor >= 0 else { throw .unreachable }
    guard unsafe linux_connect(descriptor, &address) == 0 else {
      _ = linux_close(descriptor)
      throw .unreachable
    }
    return descriptor
  }

  private func keep(_ link: RemoteLink) {
    let isKept = state.withLock { state in
      guard state.idle.count < limits.idleMax else { return false }
      state.idle.append(Idle(link: link, since: .now))
      return true
    }
    guard isKept else { return link.channel.close(promise: nil) }
    let time = TimeAmount.nanoseconds(Int64(limits.idleTime / .nanoseconds(1)))
    link.channel.eventLoop.scheduleTask(in: time) { [weak self] in self?.expire(link) }
  }

  /// Closes the connection if it is still unused.
  private func expire(_ link: RemoteLink) {
    let isUnused = state.withLock { state in
      guard
        let index = state.idle.firstIndex(where: { $0.link.channel === link.channel }),
        ContinuousClock.now - state.idle[index].since >= limits.idleTime
      else { return false }
      state.idle.remove(at: index)
      return true
    }
    if isUnused { link.channel.close(promise: nil) }
  }

  private func forget(_ link: RemoteLink) {
    state.withLock { state in
      state.count -= 1
      state.idle.removeAll { $0.link.channel === link.channel }
    }
  }
}

/// One client per server, which its sessions share.
final class RemoteClients: Sendable {
  private let clients = Mutex<[String: (place: RemotePlace, client: RemoteClient)]>([:])

  func client(of name: String, _ remote: RemoteServer) -> RemoteClient {
    clients.withLock { clients in
      if let known = clients[name], known.place === remote.place { return known.client }
      let client = RemoteClient(remote.place)
      clients[name] = (remote.place, client)
      return client
    }
  }
}

/// An answer under way: its head, and its body as it comes. For one reader.
final class RemoteAnswer {
  let head: RemoteHead
  /// Told how many bytes were taken.
  private let taken: @Sendable (Int) -> Void
  private var parts: AsyncThrowingStream<RemotePart, any Error>.Iterator

  private init(
    _ head: RemoteHead, _ taken: @escaping @Sendable (Int) -> Void,
    _ parts: AsyncThrowingStream<RemotePart, any Error>.Iterator
  ) {
    self.head = head
    self.taken = taken
    self.parts = parts
  }

  static func begin(
    _ request: RemoteRequest, _ access: RemoteAccess, on link: RemoteLink
  ) async throws -> RemoteAnswer {
    let (stream, feed) = AsyncThrowingStream<RemotePart, any Error>.makeStream()
    feed.onTermination = { reason in
      if case .cancelled = reason { link.run { $0.abandon() } }
    }
    link.run { $0.send(request, access, feed) }
    return try await begin(stream) { count in link.run { $0.taken(count) } }
  }

  /// An answer of which the parts come on a stream.
  static func begin(
    _ stream: AsyncThrowingStream<RemotePart, any Error>,
    taken: @escaping @Sendable (Int) -> Void = { _ in }
  ) async throws -> RemoteAnswer {
    var parts = stream.makeAsyncIterator()
    guard case .head(let head) = try await parts.next() else {
      throw Task.isCancelled ? CancellationError() : RemoteFailure.broken
    }
    return RemoteAnswer(head, taken, parts)
  }

  /// The next piece of the body; nil at its end.
  func next(isolation: isolated (any Actor)? = #isolation) async throws -> [UInt8]? {
    guard case .piece(let bytes) = try await parts.next(isolation: isolation) else {
      if Task.isCancelled { throw CancellationError() }
      return nil
    }
    taken(bytes.count)
    return bytes
  }

  /// The whole body.
  func body(
    bytesMax: Int, isolation: isolated (any Actor)? = #isolation
  ) async throws -> [UInt8] {
    var body: [UInt8] = []
    while let piece = try await next() {
      guard body.count + piece.count <= bytesMax else { throw RemoteFailure.tooLarge }
      body += piece
    }
    return body
  }
}
