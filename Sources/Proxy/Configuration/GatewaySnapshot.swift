internal import EventLoop
public import Identity
public import Policy
internal import Wire

/// Everything a worker decides by: immutable, shared by all workers, made by the control plane.
@safe
public final class GatewaySnapshot: Sendable {
  /// One server's route, with everything of its requests that never changes already written out.
  struct Route: BitwiseCopyable {
    var server: ServerID
    var name: ByteRange
    var path: ByteRange
    /// Request line and constant fields of a POST, up to where the changing ones begin.
    var post: ByteRange
    /// The same for the legacy session's GET and DELETE.
    var get: ByteRange
    var delete: ByteRange
    var address: PreparedAddress
    /// What the server may ask of agents.
    var clientRequests: ClientRequests
    /// A `MethodList`.
    var methods: ByteRange
    var passesEventIDs: Bool
    /// Kept alive by the snapshot.
    var tls: TLSContextReference?
    var isAvailable: Bool
    var limits: ServerLimits
    /// The place of the route that requests of the legacy era take instead; -1 for this one.
    var legacy: Int32 = -1
    /// The place of the route that agents of HTTP+SSE take; -1 where they are not served.
    var door: Int32 = -1
    /// Where they open their stream.
    var doorPath = ByteRange.empty
    /// The same as they are told to post to it: behind the path of the gateway's public address.
    var doorAddress = ByteRange.empty
  }

  /// A server that a path names.
  struct FoundRoute {
    var index: Int
    /// The path is that of HTTP+SSE.
    var isDoor = false
  }

  let policy: PolicyProgram
  let identity: IdentitySnapshot
  let masks: MaskProgram
  let arena: TextArena
  let policyRevision: UInt64
  let limits: GatewayLimits?
  /// What agents without a token are told; nil without identity providers.
  let metadata: ResourceMetadata?
  let counters: [ServerCounters]
  /// Routes that agents can name by their paths. Those behind them, up to `placeCount`, are taken by the era.
  let routeCount: Int
  let placeCount: Int
  private nonisolated(unsafe) let routes: UnsafeMutablePointer<Route>
  private nonisolated(unsafe) let principals: UnsafeMutablePointer<Principal>
  private nonisolated(unsafe) let principalNames: UnsafeMutablePointer<ByteRange>
  let principalCount: Int
  /// By the listener's number; nil where it speaks plain HTTP.
  private nonisolated(unsafe) let listeners: UnsafeMutablePointer<TLSContextReference?>
  private let listenerCount: Int
  /// By the listener's number; who may call there.
  let access: AccessTable
  /// What the references point to.
  private let contexts: [TLSContext]

  /// - Parameters:
  ///   - identity: its principals in the order of the policy's.
  ///   - servers: in the order of the policy's servers.
  ///   - limits: what to change of the limits the gateway was started with (`GatewayLimits.adopt`); nil for nothing.
  ///   - listeners: the certificates of listeners, by their number in `GatewaySettings.listeners`; may be left out where
  ///     none speaks TLS.
  ///   - access: whom listeners speak to, likewise; any host and no web page where it is left out.
  ///   - publicURL: where agents reach the gateway; needed when there are identity providers.
  public init(
    policy: PolicyProgram, identity: IdentitySnapshot, servers: [UpstreamServer],
    limits: GatewayLimits? = nil, listeners certificates: [TLSContext?] = [],
    access: [ListenerAccess] = [],
    publicURL: ResourceIdentifier? = nil
  ) {
    self.limits = limits
    let doors =
      servers.indices.compactMap { index in
        servers[index].legacyDoor.map { (index, servers[index].through($0)) }
      }
      + servers.indices.compactMap { index in
        servers[index].eventStreamDoor.map { (index, servers[index].through($0)) }
      }
    counters = servers.map(\.counters) + doors.map(\.1.counters)
    self.policy = policy
    self.identity = identity
    masks = policy.maskProgram
    var builder = TextArena.Builder()
    routeCount = servers.count
    placeCount = servers.count + doors.count
    unsafe routes = .allocate(capacity: max(1, placeCount))
    for (index, server) in servers.enumerated() {
      let route = GatewaySnapshot.route(server, index, &builder)
      unsafe (routes + index).initialize(to: route)
    }
    for (number, (index, server)) in doors.enumerated() {
      let place = routeCount + number
      let isEventStream = server.eventStreamDoor != nil
      let route = GatewaySnapshot.route(server, index, &builder)
      unsafe (routes + place).initialize(to: route)
      guard isEventStream else {
        unsafe routes[index].legacy = Int32(place)
        continue
      }
      unsafe routes[index].door = Int32(place)
      unsafe routes[index].doorPath = builder.add(server.path)
      unsafe routes[index].doorAddress = builder.add(
        (publicURL?.parts.path ?? "") + server.path)
    }
    listenerCount = certificates.count
    unsafe listeners = .allocate(capacity: max(1, certificates.count))
    for (index, context) in certificates.enumerated() {
      unsafe (listeners + index).initialize(to: context?.reference)
    }
    self.access = AccessTable.make(access, into: &builder)
    contexts = certificates.compactMap { $0 } + servers.compactMap(\.tls)
    principalCount = identity.principalCount
    unsafe principals = .allocate(capacity: max(1, identity.principalCount))
    unsafe principalNames = .allocate(capacity: max(1, identity.principalCount))
    for index in 0..<identity.principalCount {
      unsafe (principals + index).initialize(to: policy.principal(at: index))
      unsafe (principalNames + index).initialize(
        to: builder.add(identity.name(of: UInt32(index))))
    }
    var revision: UInt64 = 0
    let digits = policy.revision
    for offset in 0..<min(16, digits.byteCount) {
      let digit = unsafe digits.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      revision = revision << 4 | UInt64(digit < 58 ? digit &- 48 : digit &- 87)
    }
    policyRevision = revision
    metadata =
      identity.providers.isEmpty
      ? nil
      : publicURL.map {
        ResourceMetadata(
          publicURL: $0, paths: servers.map(\.path),
          doorPaths: servers.map { $0.eventStreamDoor?.path }, providers: identity.providers,
          into: &builder)
      }
    arena = builder.build()
  }

  deinit {
    unsafe routes.deallocate()
    unsafe principals.deallocate()
    unsafe principalNames.deallocate()
    unsafe listeners.deallocate()
    access.free()
  }

  private static func route(
    _ server: UpstreamServer, _ index: Int, _ builder: inout TextArena.Builder
  ) -> Route {
    func head(_ method: String, _ accept: String, _ more: String) -> ByteRange {
      var text = Array("\(method) \(server.target) HTTP/1.1\r\nHost: \(server.host)\r\n".utf8)
      text += Array("Accept: \(accept)\r\nAccept-Encoding: identity\r\n\(more)".utf8)
      if let credential = server.credential {
        text += Array("\(credential.field): ".utf8)
        credential.value.reveal { secret in
          for offset in 0..<secret.byteCount {
            text.append(unsafe secret.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self))
          }
        }
        text += Array("\r\n".utf8)
      }
      return builder.add(text)
    }
    return Route(
      server: ServerID(index: UInt32(index)),
      name: builder.add(server.name),
      path: builder.add(server.path),
      post: head(
        "POST", "application/json, text/event-stream", "Content-Type: application/json\r\n"),
      // A stream of HTTP+SSE is passed on without looking for its end: that is the connection's.
      get: head(
        "GET", "text/event-stream", server.eventStreamDoor == nil ? "" : "Connection: close\r\n"),
      delete: head("DELETE", "application/json, text/event-stream", ""),
      address: server.address.prepared, clientRequests: server.clientRequests,
      methods: builder.add(MethodList.text(server.methods)), passesEventIDs: server.passesEventIDs,
      tls: server.tls?.reference, isAvailable: server.isAvailable, limits: server.limits)
  }

  func route(_ index: Int) -> Route {
    precondition(index >= 0 && index < placeCount)
    return unsafe routes[index]
  }

  /// The certificates of a listener that speaks TLS; nil where there are none.
  func listenerContext(_ number: Int) -> TLSContextReference? {
    number < listenerCount ? unsafe listeners[number] : nil
  }

  /// The server whose path this is, byte for byte; one slash at the end does not matter, as clients differ there.
  func route(path: RawSpan, texts: Texts) -> FoundRoute? {
    let count = path.byteCount
    let last = unsafe count > 1 ? path.unsafeLoad(fromByteOffset: count &- 1, as: UInt8.self) : 0
    let path = last == UInt8(ascii: "/") ? path.extracting(first: count &- 1) : path
    for index in 0..<routeCount where unsafe equalBytes(texts[routes[index].path], path) {
      return FoundRoute(index: index)
    }
    for index in 0..<routeCount
    where unsafe routes[index].door >= 0 && equalBytes(texts[routes[index].doorPath], path) {
      return FoundRoute(index: index, isDoor: true)
    }
    return nil
  }

  func principal(_ index: UInt32) -> Principal {
    precondition(Int(index) < principalCount)
    return unsafe principals[Int(index)]
  }

  func principalName(_ index: UInt32) -> ByteRange {
    precondition(Int(index) < principalCount)
    return unsafe principalNames[Int(index)]
  }
}

extension UpstreamServer {
  /// The same server, reached through its door for the legacy era.
  fileprivate func through(_ door: LegacyDoor) -> UpstreamServer {
    var server = at(door.address, door.target, door.credential)
    server.eventStreamDoor = nil
    return server
  }

  /// The same server, for agents of HTTP+SSE; its limits are for the requests that come of theirs.
  fileprivate func through(_ door: EventStreamDoor) -> UpstreamServer {
    var server = at(door.address, door.target, door.credential)
    server.path = door.path
    server.limits = ServerLimits()
    server.isAvailable = true
    server.counters = ServerCounters()
    return server
  }

  /// The same server behind a door of this process.
  private func at(
    _ address: SocketAddress, _ target: String, _ credential: (field: String, value: Secret)
  ) -> UpstreamServer {
    var server = self
    server.address = address
    server.host = "localhost"
    server.target = target
    server.credential = credential
    server.tls = nil
    return server
  }
}

/// Whether two spans hold the same bytes. Not for secrets: it stops at the first difference.
func equalBytes(_ left: RawSpan, _ right: RawSpan) -> Bool {
  guard left.byteCount == right.byteCount else { return false }
  for offset in 0..<left.byteCount
  where unsafe left.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    != right.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  {
    return false
  }
  return true
}
