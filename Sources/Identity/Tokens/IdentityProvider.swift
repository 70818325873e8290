/// An OpenID Connect provider whose access tokens are accepted, and what is made of one of its tokens.
///
/// A principal's name begins with the provider's: `idp.example/alice`. A slash cannot stand in the name of a service account
/// nor in that of a provider, so nobody is called like a service account, and no provider can vouch for another's
/// people. A client that got a token for itself (client credentials: its `sub` is its client id) is
/// `idp.example/client/etl`, whatever the people of that provider are called.
public struct IdentityProvider: Sendable, Equatable {
  /// Letters, digits, `-`, `_` and `.`; unique among the providers.
  public var name: String
  /// The `iss` of its tokens, compared byte for byte (RFC 8414 §2, RFC 9068 §4).
  public var issuer: String
  /// What `aud` must hold one of. Empty: the URI of the called server, or that of the gateway as a whole.
  public var audiences: [String] = []
  public var algorithms = SignatureAlgorithm.usual
  /// The claim that holds the groups: a claim's name, or names with dots between them for a nested one.
  public var groupsClaim = "groups"
  /// The claim that holds a person's name. Nil: `preferred_username`, else `email`, else `sub`.
  public var nameClaim: String?
  /// The groups of tokens without a groups claim.
  public var groups: [String] = []
  /// The same for tokens of particular clients, by client id.
  public var clientGroups: [String: [String]] = [:]
  /// How far the provider's clock and ours may be apart, in seconds.
  public var clockSkewSeconds = 60
  /// What agents should ask the provider for: published as `scopes_supported`, and in challenges.
  public var scopes: [String] = []

  public init(name: String, issuer: String) {
    self.name = name
    self.issuer = issuer
  }

  /// What a principal's name may be long, provider and slash included: it is copied into every record.
  public static let nameBytesMax = 256

  /// The name of a person of this provider. Nil when it cannot be one: empty, too long, with control
  /// characters, or like that of a client.
  public func principalName(person name: String) -> String? {
    guard !name.hasPrefix("client/") else { return nil }
    return principalName(name)
  }

  /// The name of a client that acts for itself.
  public func principalName(client identifier: String) -> String? {
    principalName("client/" + identifier)
  }

  private func principalName(_ rest: String) -> String? {
    let full = "\(name)/\(rest)"
    guard !rest.isEmpty, rest != "client/", full.utf8.count <= IdentityProvider.nameBytesMax,
      !rest.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) })
    else { return nil }
    return full
  }
}
