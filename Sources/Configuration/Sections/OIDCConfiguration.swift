public import Identity
internal import PlainJSON
public import Policy

/// An OpenID Connect provider whose access tokens are accepted.
public struct OIDCConfiguration: Sendable, Equatable {
  /// What matters for verifying a token and making a principal of it.
  public var provider = IdentityProvider(name: "", issuer: "")
  /// How often the provider's keys are fetched again without being asked for.
  public var refreshMilliseconds = 600_000
  /// Authorities that the provider's certificate must come from; nil for the system's.
  public var authorities: TrustedAuthorities?
  public var position: SourcePosition?

  var audiences: [String] {
    get { provider.audiences }
    set { provider.audiences = newValue }
  }
  var algorithms: [SignatureAlgorithm] {
    get { SignatureAlgorithm.allCases.filter { provider.algorithms.contains($0) } }
    set { provider.algorithms = Set(newValue) }
  }
  var clockSkewMilliseconds: Int {
    get { provider.clockSkewSeconds * 1000 }
    set { provider.clockSkewSeconds = newValue / 1000 }
  }
  var clientGroups: [ClientGroups] {
    get {
      provider.clientGroups.sorted { $0.key < $1.key }.map { ClientGroups(client: $0, groups: $1) }
    }
    set {
      provider.clientGroups = Dictionary(
        newValue.map { ($0.client, $0.groups) }, uniquingKeysWith: { first, _ in first })
    }
  }

  public init() {}
}

/// The groups of the tokens of one client.
struct ClientGroups: Equatable, Sendable {
  var client: String
  var groups: [String]
}

extension OIDCConfiguration: SchemaObject {
  static var keys: KeyTable<OIDCConfiguration> {
    KeyTable(
      keys: [
        .required(
          "issuer", \.provider.issuer, .issuer,
          "the provider's URL, exactly as the \"iss\" of its tokens says it"),
        .optional(
          "name", \.provider.name, .name("the name of a provider"),
          "first part of its people's names in records and rules (corp/alice); the issuer's host when left out"
        ).withoutDefault,
        .optional(
          "audience", \.audiences,
          .oneOrMany(.text(bytesMax: 512, expected: "an audience"), atMost: 16),
          "what a token's \"aud\" must hold (one of); left out, the URI of the called server, or public_url"
        ).withoutDefault,
        .optional(
          "groups_claim", \.provider.groupsClaim, .claimPath,
          "the claim with the groups, an array or a text with commas or spaces; dots lead into objects (realm_access.roles)"
        ),
        .optional(
          "name_claim", \.provider.nameClaim, Shape<String>.claimPath.optional,
          "the claim with a person's name; left out, preferred_username, else email, else sub"),
        .optional(
          "groups", \.provider.groups, .list(.groupName, atMost: 256),
          "the groups of tokens without a groups claim"),
        .optional(
          "client_groups", \.clientGroups,
          .mapping(
            keys: .text(bytesMax: 256, expected: "a client id"), .list(.groupName, atMost: 256)
          ) { client, _, groups in ClientGroups(client: client, groups: groups) },
          "the same by client id, for clients that get tokens for themselves: { etl: [loaders] }"
        ).withoutDefault,
        .optional(
          "scopes", \.provider.scopes, .list(.scope, atMost: 16),
          "what agents should ask the provider for; published in scopes_supported and in challenges"
        ),
        .optional(
          "algorithms", \.algorithms, .list(.word(), atLeast: 1, atMost: 16),
          "how tokens may be signed"),
        .optional(
          "clock_skew", \.clockSkewMilliseconds, .duration(0...300_000),
          "how far the provider's clock and ours may be apart, in whole seconds"),
        .optional(
          "jwks_refresh", \.refreshMilliseconds, .duration(30_000...86_400_000),
          "how often the provider's keys are fetched; an unknown key has them fetched at once"),
        .optional(
          "authorities", \.authorities, Shape<TrustedAuthorities>.trustedAuthorities.optional,
          "certificate authorities to trust for this provider instead of the system's, in PEM form: file:/path"
        ),
      ],
      later: [
        ("client_id", "the gateway verifies tokens and asks for none; agents know their client id"),
        ("client_secret", "the gateway verifies tokens and asks for none; leave it out"),
        ("jwks_uri", "it is found through the issuer's discovery document; leave it out"),
        ("introspection", "only signed tokens (JWT) are accepted; have the provider issue those"),
      ],
      finish: { oidc, node, reading in oidc.complete(node, &reading) })
  }

  private mutating func complete(_ node: Node, _ reading: inout Reading) {
    position = node.origin.position
    if provider.name.isEmpty {
      let host = Shape<String>.issuerHost(provider.issuer)
      provider.name = host.contains(":") ? host.replacing(":", with: "-") : host
    }
  }
}

extension Shape where Value == String {
  /// An issuer: https, or http on this machine, where nobody else can put in keys of their own.
  fileprivate static var issuer: Shape {
    Shape(
      schema: ["type": "string", "pattern": "^https?://[^/?#@]+(/[^?#]*)?$"],
      read: { node, reading in
        let expected = "the URL of an issuer such as https://idp.example"
        guard let text = text(bytesMax: 512, expected: expected).read(node, &reading) else {
          return nil
        }
        guard ResourceIdentifier(text) != nil, !text.contains("?") else {
          reading.report(node.origin, "expected \(expected), found \"\(text)\"")
          return nil
        }
        let host = issuerHost(text).split(separator: ":").first.map(String.init) ?? ""
        let isLocal = host == "localhost" || host.hasPrefix("127.") || text.contains("//[::1]")
        guard text.hasPrefix("https://") || isLocal else {
          reading.report(
            node.origin,
            "keys that are fetched over http could be anybody's; use https, or http on this machine"
          )
          return nil
        }
        return text
      }, show: { $0.isEmpty ? nil : .string($0) })
  }

  /// Host and port of an issuer.
  static func issuerHost(_ issuer: String) -> String {
    guard let parts = ResourceIdentifier(issuer)?.parts else { return "" }
    let start = parts.origin.firstRange(of: "://")!.upperBound
    return parts.origin[start...].filter { $0 != "[" && $0 != "]" }
  }

  /// A claim's name, or names with dots between them.
  static var claimPath: Shape { .text(bytesMax: 256, expected: "the name of a claim") }

  /// `scope-token` of RFC 6749 §3.3.
  static var scope: Shape {
    .text(bytesMax: 64, expected: "a scope").map { text, node, reading in
      guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }) else {
        reading.report(node.origin, "\"\(text)\" is not a scope; write each of them by itself")
        return nil
      }
      return text
    }
  }
}

extension Shape {
  /// One value, or a list of them.
  static func oneOrMany<Element>(
    _ element: Shape<Element>, atMost maximum: Int
  ) -> Shape<[Element]> where Value == [Element] {
    let list: Shape<[Element]> = .list(element, atLeast: 1, atMost: maximum)
    return Shape(
      schema: ["anyOf": [element.schema, list.schema]],
      read: { node, reading in
        if case .list = node.content { return list.read(node, &reading) }
        return element.read(node, &reading).map { [$0] }
      }, show: list.show)
  }
}

extension Shape where Value == ResourceIdentifier {
  /// The URL under which agents reach the gateway.
  static var publicURL: Shape {
    Shape(
      schema: ["type": "string", "pattern": "^https?://[^/?#@]+(/[^?#]*)?$", "maxLength": 128],
      read: { node, reading in
        let expected = "the URL at which agents reach the gateway, such as https://mcp.example"
        guard
          let text = Shape<String>.text(bytesMax: 128, expected: expected).read(node, &reading)
        else { return nil }
        guard let resource = ResourceIdentifier(text), !text.contains("?") else {
          reading.report(node.origin, "expected \(expected), found \"\(text)\"")
          return nil
        }
        return resource
      }, show: { .string($0.description) })
  }
}
