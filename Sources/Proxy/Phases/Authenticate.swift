internal import CLinux
internal import EventLoop
internal import Identity
internal import Policy
internal import Wire

/// Phase authenticate: from the credential to a principal, before a byte of the body is looked at.
extension Worker {
  mutating func authenticate(
    _ exchange: UInt32, _ head: RequestHead, _ bytes: RawSpan
  ) -> LocalRefusal? {
    let value = bytes.extracting(head.authorization.range)
    // An empty Authorization field is a broken credential, not the lack of one.
    if head.has(.authorization) && value.byteCount == 0 { return .credentialMalformed }
    let result = generations[exchanges[exchange].generation].identity.use { identity in
      authenticator.authenticate(authorization: value, snapshot: identity)
    }
    switch result {
    case .principal(let index):
      exchanges[exchange].principal = index
      return nil
    case .token: return authenticate(exchange, token: value.extracting(droppingFirst: 7))
    case .missing: return .credentialMissing
    case .malformed: return .credentialMalformed
    case .tooLong: return .credentialTooLong
    case .unknown: return .credentialUnknown
    }
  }

  /// A signed token: known already, or verified now. `authenticator` has just hashed it.
  private mutating func authenticate(_ exchange: UInt32, token: RawSpan) -> LocalRefusal? {
    let digest = authenticator.digest
    let route = exchanges[exchange].route
    if let known = principals.find(digest, server: route, now: loop.now) {
      adopt(exchange, known)
      return nil
    }
    switch verify(exchange, token, digest) {
    case .success(let principal):
      adopt(exchange, principal)
      return nil
    case .failure(let refusal):
      exchanges[exchange].tokenRefusal = refusal
      return LocalRefusal(refusal)
    }
  }

  /// The exchange is the token's, as long as both last.
  private mutating func adopt(_ exchange: UInt32, _ principal: UInt32) {
    principals.retain(principal)
    exchanges[exchange].principal = principal
    exchanges[exchange].expires = principals.tokenExpiry(principal)
  }

  /// The first use of a token: a signature is checked, texts are made of claims, and the result is remembered.
  @inline(never)
  private mutating func verify(
    _ exchange: UInt32, _ token: RawSpan, _ digest: InlineArray<32, UInt8>
  ) -> Result<UInt32, TokenRefusal> {
    let snapshot = generations[exchanges[exchange].generation].snapshot
    let route = exchanges[exchange].route
    let now = linux_wall_nanoseconds()
    let result = verifier.verify(
      token, snapshot: snapshot.identity, resource: snapshot.metadata?.resources[Int(route)],
      alias: snapshot.metadata?.doorResources[Int(route)],
      gateway: snapshot.metadata?.gateway, now: Double(now) / 1e9)
    switch result {
    case .failure(let refusal): return .failure(refusal)
    case .success(let verified):
      let principal = snapshot.policy.makePrincipal(
        kind: verified.isClient ? .serviceAccount : .user, name: verified.name,
        groups: verified.groups)
      // From the wall clock to the loop's: how long from now. A century is as good as for ever.
      let left = UInt64(min(max(0, verified.expires - Double(now) / 1e9), 3.2e9) * 1e9)
      let inserted = principals.insert(
        digest, server: verified.isForEveryServer ? PrincipalTable.everyServer : route,
        now: loop.now, tokenExpiry: loop.now &+ left, principal: principal,
        identity: verified.identity, person: verified.person, name: verified.name)
      return inserted.map { .success($0) } ?? .failure(.tooManyPrincipals)
    }
  }
}
