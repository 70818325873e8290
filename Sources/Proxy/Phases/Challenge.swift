internal import EventLoop
internal import Identity
internal import Wire

/// What an unauthenticated agent is told: where to get a token, and what was wrong with the one it sent.
extension Worker {
  /// `WWW-Authenticate` (RFC 6750 §3, RFC 9728 §5.1). Without identity providers there is nothing to point to:
  ///
  ///     Bearer
  ///     Bearer resource_metadata="https://…/.well-known/oauth-protected-resource/orders/mcp", scope="openid groups"
  ///     Bearer resource_metadata="…", error="invalid_token", error_description="The token has expired, …"
  ///
  /// An agent that sent no credential is told of no error (RFC 6750 §3.1).
  func writeChallenge(_ exchange: Exchange, into writer: inout ByteWriter) {
    let generation = exchange.generation
    guard exchange.route >= 0, let metadata = generations[generation].snapshot.metadata else {
      return HTTPWriter.field("WWW-Authenticate", "Bearer", into: &writer)
    }
    writer.append("WWW-Authenticate: Bearer ")
    let challenge = metadata.challenge(route: Int(exchange.route), isDoor: exchange.isEventStream)
    writer.append(generations[generation].texts[challenge])
    if exchange.head.has(.authorization) {
      writer.append(", error=\"invalid_token\", error_description=\"")
      writer.append(exchange.tokenRefusal?.text ?? "The credential is not known here.")
      writer.append("\"")
    }
    writer.append("\r\n")
  }
}
