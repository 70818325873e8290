internal import EventLoop
internal import Identity
internal import PlainJSON
internal import Wire

/// What agents may know before they have a token (RFC 9728): for each server, and for the gateway as a whole, a document that
/// names its URI and the providers whose tokens are accepted. Written out when the snapshot is made; workers only copy.
///
///     GET /.well-known/oauth-protected-resource/orders/mcp
///     {"resource":"https://mcp.example/orders/mcp","authorization_servers":["https://idp.example"],
///      "bearer_methods_supported":["header"],"scopes_supported":["openid","groups"]}
struct ResourceMetadata: Sendable {
  static let prefix = "/.well-known/oauth-protected-resource"
  /// Longest challenge that fits an answer's head beside everything else that may stand in it.
  static let challengeBytesMax = 640

  /// The URI of the gateway as a whole, and those of its servers, in their order.
  let gateway: ResourceIdentifier
  let resources: [ResourceIdentifier]
  /// The same servers by the paths of HTTP+SSE, where they have such: a token for one name is good for the other.
  let doorResources: [ResourceIdentifier?]
  /// Paths, documents and challenges: the root form's first, then the servers', then those of HTTP+SSE, where a server without
  /// such has its first ones again.
  private let entries: [(path: ByteRange, document: ByteRange, challenge: ByteRange)]

  /// - Parameters:
  ///   - publicURL: where agents reach the gateway, checked when the configuration was read.
  ///   - paths: of the servers, in their order.
  ///   - doorPaths: those of HTTP+SSE, likewise.
  init(
    publicURL: ResourceIdentifier, paths: [String], doorPaths: [String?],
    providers: [IdentityProvider], into builder: inout TextArena.Builder
  ) {
    gateway = publicURL
    resources = paths.map { publicURL.appending(path: $0) }
    doorResources = doorPaths.map { $0.map { publicURL.appending(path: $0) } }
    var scopes: [String] = []
    for scope in providers.flatMap(\.scopes) where !scopes.contains(scope) { scopes.append(scope) }
    // With one server there is no other resource that a client at the root could mean.
    let root = resources.count == 1 ? resources[0] : publicURL
    let parts = publicURL.parts
    var entries: [(path: ByteRange, document: ByteRange, challenge: ByteRange)] = []
    let doors = zip(zip(doorResources, doorPaths), zip(resources, paths)).map { door, server in
      (door.0 ?? server.0, door.1 ?? server.1)
    }
    for (resource, path) in [(root, "")] + zip(resources, paths) + doors {
      // The well-known part goes between host and path (RFC 9728 §3.1).
      let place = ResourceMetadata.prefix + parts.path + path
      var challenge = "resource_metadata=\"\(parts.origin)\(place)\""
      if !scopes.isEmpty { challenge += ", scope=\"\(scopes.joined(separator: " "))\"" }
      precondition(challenge.utf8.count <= ResourceMetadata.challengeBytesMax)
      entries.append(
        (
          builder.add(place), builder.add(ResourceMetadata.document(resource, providers, scopes)),
          builder.add(challenge)
        ))
    }
    self.entries = entries
  }

  private static func document(
    _ resource: ResourceIdentifier, _ providers: [IdentityProvider], _ scopes: [String]
  ) -> String {
    func list(_ texts: [String]) -> String { texts.map(JSONText.quoted).joined(separator: ",") }
    let known = scopes.isEmpty ? "" : ",\"scopes_supported\":[\(list(scopes))]"
    return "{\"resource\":\(JSONText.quoted(resource.description)),"
      + "\"authorization_servers\":[\(list(providers.map(\.issuer)))],"
      + "\"bearer_methods_supported\":[\"header\"]\(known)}"
  }

  func challenge(route: Int, isDoor: Bool) -> ByteRange {
    entries[route + 1 + (isDoor ? resources.count : 0)].challenge
  }

  /// The document at a path; nil when there is none.
  func document(at path: RawSpan, texts: Texts) -> ByteRange? {
    for entry in entries where equalBytes(texts[entry.path], path) { return entry.document }
    return nil
  }

  /// The fields that let web pages read the document, and send what MCP needs once they have a token.
  static func writeFields(_ extra: LocalRefusal.Extra, into writer: inout ByteWriter) {
    HTTPWriter.field("Access-Control-Allow-Origin", "*", into: &writer)
    if extra == .preflight {
      HTTPWriter.field("Access-Control-Allow-Methods", "GET, OPTIONS", into: &writer)
      HTTPWriter.field(
        "Access-Control-Allow-Headers", "MCP-Protocol-Version", into: &writer)
      HTTPWriter.field("Access-Control-Max-Age", "3600", into: &writer)
    } else {
      HTTPWriter.field("Cache-Control", "public, max-age=300", into: &writer)
    }
  }
}

extension Worker {
  /// Answers requests for metadata: unauthenticated, the same for everybody, and so not recorded. False when the request is
  /// for something else.
  mutating func answersMetadata(_ slot: UInt32, _ head: RequestHead, _ bytes: RawSpan) -> Bool {
    let generation = exchanges[slot].generation
    guard case .none = head.framing, head.method == .get || head.method == .options,
      let metadata = generations[generation].snapshot.metadata,
      let document = metadata.document(
        at: bytes.extracting(head.target.range), texts: generations[generation].texts)
    else { return false }
    let isPreflight = head.method == .options
    let text = generations[generation].texts[document]
    beginLocalAnswer(slot, status: isPreflight ? 204 : 200, room: text.byteCount) { out, _ in
      if !isPreflight { out.append(text) }
    }
    finishUnrecordedAnswer(slot, isPreflight ? .preflight : .metadata)
    return true
  }
}
