internal import JWTKit
internal import Wire

/// Verifies access tokens that are signed JWTs (RFC 7519, RFC 9068), synchronously, on the thread that asks. One per worker.
///
///     eyJhbGciOi… . eyJpc3MiOi… . Hx9c…
///     header        claims        signature over the first two
///
/// The order is: everything that costs little (header, claims), then the signature, then who it is. Nothing is believed before
/// the signature has been checked, and a refusal before it tells nothing but what the token itself says. The header chooses
/// among the issuer's published keys and algorithms; keys it carries or points to (`jwk`, `jku`, `x5c`, `x5u`) are not looked
/// at (RFC 8725 §3.10). Takes some tens of microseconds and allocates: callers remember the result (`PrincipalTable`).
@safe
public struct TokenVerifier: ~Copyable {
  private var document = TokenDocument()
  private var signature: UnsafeMutablePointer<UInt8>

  /// Longest signature in bytes: RSA with 8192 bits.
  private static var signatureBytesMax: Int { 1024 }

  public init() {
    unsafe signature = .allocate(capacity: Self.signatureBytesMax)
  }

  deinit { unsafe signature.deallocate() }

  /// Whether a token has the three parts of a signed JWT, which no API key has.
  static func hasShape(_ token: RawSpan) -> Bool { TokenParts(token) != nil }

  /// - Parameters:
  ///   - token: as it came, without the scheme.
  ///   - snapshot: the providers and their keys.
  ///   - resource: the called server's URI; nil when the gateway does not know its own.
  ///   - alias: another URI of the same server; nil when it has none.
  ///   - gateway: the URI of the gateway as a whole.
  ///   - now: seconds since 1970.
  public mutating func verify(
    _ token: RawSpan, snapshot: IdentitySnapshot, resource: ResourceIdentifier?,
    alias: ResourceIdentifier? = nil, gateway: ResourceIdentifier?, now: Double
  ) -> Result<VerifiedToken, TokenRefusal> {
    do throws(TokenRefusal) {
      guard let parts = TokenParts(token) else { throw .notReadable }
      let header = try readHeader(token.extracting(parts.header))
      guard document.load(token.extracting(parts.payload)) else { throw .notReadable }
      let provider = try findProvider(snapshot)
      let rules = snapshot.providers[provider]
      guard rules.algorithms.contains(header.algorithm) else { throw .algorithm }
      try checkKind()
      let expires = try checkTimes(now, skew: Double(rules.clockSkewSeconds))
      let isForEveryServer = try checkAudience(rules, [resource, alias], gateway)
      try checkSignature(token, parts, header, snapshot, provider)
      var verified = try identify(rules)
      verified.provider = provider
      verified.expires = expires
      verified.isForEveryServer = isForEveryServer
      return .success(verified)
    } catch {
      return .failure(error)
    }
  }

  // MARK: Header

  private struct Header {
    var algorithm: SignatureAlgorithm
    var keyIdentifier: [UInt8]?
  }

  private mutating func readHeader(_ part: RawSpan) throws(TokenRefusal) -> Header {
    guard document.load(part) else { throw .notReadable }
    guard let name = document.text("alg"), let algorithm = SignatureAlgorithm(rawValue: name)
    else { throw .algorithm }
    // `b64` (RFC 7797) changes what is signed, and must be named in `crit`; without it, it would be a trap.
    guard !document.has("crit"), !document.has("b64") else { throw .critical }
    if document.has("typ") {
      // RFC 9068 §2.1 and §4; "JWT" is what providers without that profile write.
      switch document.text("typ")?.lowercased() {
      case "jwt", "at+jwt", "application/at+jwt": break
      default: throw .type
      }
    }
    guard document.has("kid") else { return Header(algorithm: algorithm, keyIdentifier: nil) }
    guard let identifier = document.text("kid") else { throw .notReadable }
    return Header(algorithm: algorithm, keyIdentifier: Array(identifier.utf8))
  }

  // MARK: Claims

  private func findProvider(_ snapshot: IdentitySnapshot) throws(TokenRefusal) -> Int {
    guard let issuer = document.text("iss"),
      let provider = snapshot.providers.firstIndex(where: { $0.issuer == issuer })
    else { throw .issuer }
    return provider
  }

  /// Tells access tokens from what providers sign with the same keys: ID tokens (OpenID Connect Core §2, §3.1.3.6), refresh
  /// and logout tokens, and tokens that are worth something only with a proof of possession (RFC 9449 §6, RFC 8705 §3).
  private func checkKind() throws(TokenRefusal) {
    for name in ["at_hash", "c_hash", "s_hash", "events"] as [StaticString]
    where document.has(name) {
      throw .notForAccess
    }
    if document.has("nonce"), !document.has("scope"), !document.has("scp"),
      !document.has("client_id")
    {
      throw .notForAccess
    }
    // Keycloak, Cognito and Glewlwyd say it in the claims.
    let kinds: [(claim: StaticString, access: Set<String>)] = [
      ("typ", ["bearer", "jwt", "at+jwt"]), ("token_use", ["access"]), ("type", ["access_token"]),
    ]
    for kind in kinds where document.has(kind.claim) {
      guard let said = document.text(kind.claim)?.lowercased(), kind.access.contains(said) else {
        throw .notForAccess
      }
    }
    if document.has("cnf") { throw .boundToKey }
  }

  /// When the token ceases to be accepted.
  private func checkTimes(_ now: Double, skew: Double) throws(TokenRefusal) -> Double {
    guard case .seconds(let end) = document.time("exp"), now < end + skew else { throw .expired }
    switch document.time("nbf") {
    case .absent: break
    case .seconds(let start) where now >= start - skew: break
    default: throw .notYetValid
    }
    switch document.time("iat") {
    case .absent: break
    case .seconds(let issued) where issued <= now + skew: break
    default: throw .issuedInFuture
    }
    return end + skew
  }

  /// Whether the token is for all servers, after checking that it is for this one.
  private func checkAudience(
    _ rules: IdentityProvider, _ accepted: [ResourceIdentifier?], _ gateway: ResourceIdentifier?
  ) throws(TokenRefusal) -> Bool {
    guard let claim = document.member("aud"), let audiences = document.texts(claim) else {
      throw .audience
    }
    if !rules.audiences.isEmpty {
      guard audiences.contains(where: matches(rules.audiences)) else { throw .audience }
      return true
    }
    let resources = audiences.compactMap(ResourceIdentifier.init)
    if let gateway, resources.contains(gateway) { return true }
    guard accepted.contains(where: { $0.map(resources.contains) ?? false }) else {
      throw .audience
    }
    return false
  }

  /// Configured audiences are names of any kind; where both are URIs, they are compared as such.
  private func matches(_ accepted: [String]) -> (String) -> Bool {
    { audience in
      accepted.contains { wanted in
        if wanted == audience { return true }
        guard let wanted = ResourceIdentifier(wanted) else { return false }
        return wanted == ResourceIdentifier(audience)
      }
    }
  }

  // MARK: Signature

  private func checkSignature(
    _ token: RawSpan, _ parts: TokenParts, _ header: Header, _ snapshot: IdentitySnapshot,
    _ provider: Int
  ) throws(TokenRefusal) {
    guard let keys = snapshot.keySets[provider] else {
      snapshot.demand.want(provider: provider)
      throw .keysMissing
    }
    let candidates = keys.candidates(
      identifier: header.keyIdentifier, algorithm: header.algorithm)
    guard !candidates.isEmpty else {
      snapshot.demand.want(provider: provider)
      throw .keyUnknown
    }
    let text = token.extracting(parts.signature)
    guard text.byteCount <= Self.signatureBytesMax / 3 * 4,
      let count = unsafe Base64URL.decode(text, into: signature)
    else { throw .signature }
    let signatureBytes = unsafe Array(UnsafeBufferPointer(start: signature, count: count))
    let signed = unsafe token.extracting(parts.signed).withUnsafeBytes { unsafe Array($0) }
    for key in candidates {
      // What the library calls an error here (a signature of the wrong length) is a wrong signature.
      if (try? key.verifier.verify(signatureBytes, signs: signed)) == true { return }
    }
    throw .signature
  }

  // MARK: Who it is

  private func identify(_ rules: IdentityProvider) throws(TokenRefusal) -> VerifiedToken {
    let subject = document.text("sub")
    let client = document.text("client_id") ?? document.text("azp") ?? document.text("cid")
    guard let holder = subject ?? client, !holder.isEmpty else { throw .name }
    let isClient = client != nil && (subject == nil || subject == client)
    let name =
      isClient
      ? rules.principalName(client: holder)
      : rules.principalName(person: try personName(rules, subject: holder))
    guard let name else { throw .name }
    return VerifiedToken(
      provider: 0, isClient: isClient, name: name, groups: try groups(rules, client: client),
      identity: SubjectDigest.of([rules.issuer, subject ?? "", client ?? ""]),
      person: SubjectDigest.of(issuer: rules.issuer, subject: holder), expires: 0,
      isForEveryServer: false)
  }

  private func personName(
    _ rules: IdentityProvider, subject: String
  ) throws(TokenRefusal) -> String {
    if let claim = rules.nameClaim {
      // A configured claim that is missing must not give the caller some other name.
      guard let name = document.text(document.member(at: claim)) else { throw .name }
      return name
    }
    if let name = document.text("preferred_username"), !name.isEmpty { return name }
    // An address that the provider itself does not vouch for could be anybody's.
    let isUnverified = document.member("email_verified").map { document.kind(of: $0) != .true }
    if let email = document.text("email"), !email.isEmpty, isUnverified != true { return email }
    return subject
  }

  /// The groups claim where there is one, whatever is in it; else what the configuration says of the client, or of all.
  private func groups(
    _ rules: IdentityProvider, client: String?
  ) throws(TokenRefusal) -> [String] {
    guard let claim = document.member(at: rules.groupsClaim) else {
      return client.flatMap { rules.clientGroups[$0] } ?? rules.groups
    }
    switch document.kind(of: claim) {
    case .null: return []
    case .string: return GroupList.split(document.text(claim)!)
    case .array:
      guard let groups = document.texts(claim) else { throw .groups }
      return groups
    default: throw .groups
    }
  }
}

/// Groups in one text: with commas between them (Glewlwyd), else with spaces, as in `scope`.
enum GroupList {
  static func split(_ text: String) -> [String] {
    let separator: Character = text.contains(",") ? "," : " "
    return text.split(separator: separator).map { part in
      let trimmed = part.drop { $0 == " " }
      return String(trimmed.reversed().drop { $0 == " " }.reversed())
    }.filter { !$0.isEmpty }
  }
}
