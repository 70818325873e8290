import Identity
import PlainJSON
public import Policy

/// Who may call.
public struct IdentityConfiguration: Sendable, Equatable {
  /// In the order of the file: a service account's place is its principal's index.
  public var serviceAccounts: [ServiceAccountConfiguration] = []
  /// People and agents that come with a signed token; in the order of the file, by which workers know them.
  public var oidc: [OIDCConfiguration] = []
  /// Whether calls without a credential are let in, and as a member of which groups. Loopback
  /// listeners only.
  public var anonymous: AnonymousConfiguration?

  public init() {}
}

extension IdentityConfiguration: SchemaObject {
  static var keys: KeyTable<IdentityConfiguration> {
    KeyTable(
      keys: [
        .optional(
          "service_accounts", \.serviceAccounts, .list(.object, atMost: 65_536),
          "programs that call with an API key (`sluice key` makes one)"),
        .optional(
          "oidc", \.oidc, .list(.object, atMost: KeyDemand.providersMax),
          "OpenID Connect providers whose access tokens (signed JWT) are accepted"),
        .optional(
          "anonymous", \.anonymous, Shape<AnonymousConfiguration>.object.optional,
          "lets in calls without a credential: for a laptop or a test, on loopback listeners only"),
      ],
      later: [
        ("saml", "single sign-on by SAML comes with a later version; use oidc"),
        ("mtls", "use service_accounts"),
        ("users", "people come with tokens of an identity provider; use oidc"),
      ],
      finish: { identity, node, reading in
        if identity.serviceAccounts.isEmpty, identity.anonymous == nil, identity.oidc.isEmpty {
          reading.report(
            node.origin,
            "nobody could call: list at least one of service_accounts (`sluice key` makes a key) or of oidc"
          )
        }
      })
  }
}

/// A program that calls with an API key.
public struct ServiceAccountConfiguration: Sendable, Equatable {
  public var name = ""
  /// SHA-256 of its API key, 32 bytes.
  public var keyDigest: [UInt8] = []
  public var groups: [PositionedText] = []
  public var position: SourcePosition?

  public init() {}
}

extension ServiceAccountConfiguration: SchemaObject {
  static var keys: KeyTable<ServiceAccountConfiguration> {
    KeyTable(
      keys: [
        .required(
          "name", \.name, .principalName,
          "what records and rules call it; letters, digits, \"-\", \"_\" and \".\""),
        .required(
          "key_sha256", \.keyDigest, .keyDigest,
          "the SHA-256 of its API key, 64 hexadecimal digits, as `sluice key` prints it"),
        .optional(
          "groups", \.groups, .groups,
          "the groups it belongs to, which decide which profiles it gets"),
      ],
      later: [
        (
          "key",
          "an API key does not belong in this file; write its hash as key_sha256 (`sluice key` makes both)"
        ),
        ("expires", "leave it out, and remove the account when it should no longer call"),
      ],
      finish: { account, node, _ in account.position = node.origin.position })
  }
}

/// What callers without a credential are.
public struct AnonymousConfiguration: Sendable, Equatable {
  public var groups: [PositionedText] = []
  public var position: SourcePosition?

  public init() {}
}

extension AnonymousConfiguration: SchemaObject {
  static var keys: KeyTable<AnonymousConfiguration> {
    KeyTable(
      keys: [
        .required(
          "groups", \.groups, .groups, "the groups that callers without a credential belong to")
      ],
      finish: { anonymous, node, _ in anonymous.position = node.origin.position })
  }
}

extension Shape where Value == [PositionedText] {
  static var groups: Shape { .list(Shape<String>.groupName.positioned, atLeast: 1, atMost: 256) }
}

extension Shape where Value == String {
  static var groupName: Shape { .text(bytesMax: 256, expected: "the name of a group") }

  /// A service account's name: what the log calls the anonymous principal is taken.
  static var principalName: Shape {
    Shape<String>.name("a name").map { name, node, reading in
      guard name != IdentitySnapshot.anonymousName else {
        reading.report(
          node.origin,
          "\"\(name)\" is what calls without a credential are called; choose another name")
        return nil
      }
      return name
    }
  }
}

extension Shape where Value == [UInt8] {
  /// 64 hexadecimal digits. What stands here instead may be the API key itself, so it is never
  /// shown.
  static var keyDigest: Shape {
    Shape(
      schema: ["type": "string", "pattern": "^[0-9A-Fa-f]{64}$"],
      read: { node, reading in
        guard let text = scalar(node, "64 hexadecimal digits", &reading)?.text else { return nil }
        if let bytes = APIKey.bytes(hexadecimal: text), bytes.count == 32 { return bytes }
        let message =
          text.hasPrefix("sluice_")
          ? "this is an API key, and not its hash: treat the key as lost, make a new one with `sluice key` and write "
            + "the SHA-256 it prints"
          : "expected the SHA-256 of an API key, 64 hexadecimal digits; `sluice key` makes a key and prints it"
        reading.report(node.origin, message, showsSource: false)
        return nil
      })
  }
}
