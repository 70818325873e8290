public import Identity
public import Policy

/// The web console and the admin API.
public struct ConsoleConfiguration: Sendable {
  public var address = SocketAddress(bytes: [127, 0, 0, 1], port: 8081)
  /// The origin browsers use, such as `https://console.example`; nil for the address itself.
  public var publicURL: String?
  /// Whether something that speaks TLS stands in front.
  public var isBehindProxy = false
  /// Nil for plain HTTP.
  public var tls: ListenerTLSConfiguration?
  public var login = ConsoleLoginConfiguration()
  public var admins: [PositionedText] = []
  public var auditors: [PositionedText] = []
  public var keys: [ServiceAccountConfiguration] = []
  public var approvalNeedsReason = false
  public var sessionIdleMilliseconds = 30 * 60_000
  public var sessionMilliseconds = 8 * 3_600_000

  public init() {}
}

extension ConsoleConfiguration: SchemaObject {
  static var keys: KeyTable<ConsoleConfiguration> {
    KeyTable(
      keys: [
        .optional(
          "address", \.address, .socketAddress,
          "IP address and port; without tls, on loopback unless a proxy that speaks TLS stands in front"
        ),
        .optional(
          "tls", \.tls, Shape<ListenerTLSConfiguration>.object.optional,
          "speak TLS, with a certificate of the console's own; written as a listener's"),
        .optional(
          "public_url", \.publicURL, Shape<String>.origin.optional,
          "the address people type, without a path: https://console.example"),
        .optional(
          "behind_proxy", \.isBehindProxy, .boolean,
          "true when a proxy that speaks TLS stands in front and nothing else reaches the address"),
        .optional("login", \.login, .object, "how people sign in"),
        .optional("admins", \.admins, .groups, "groups whose members see everything"),
        .optional(
          "auditors", \.auditors, .groups,
          "groups whose members see sessions, all approvals and the policies"),
        .optional(
          "api_keys", \.keys, .list(.object, atMost: 1024),
          "programs that use the admin API only; service accounts may use it as well"),
        .optional(
          "approve_needs_reason", \.approvalNeedsReason, .boolean,
          "whether approving takes a reason, as denying always does"),
        .optional(
          "session_idle", \.sessionIdleMilliseconds, .duration(60_000...86_400_000),
          "a session ends when nobody used it for so long"),
        .optional(
          "session_max", \.sessionMilliseconds, .duration(60_000...604_800_000),
          "a session ends so long after the sign-in"),
      ],
      finish: { console, _, reading in console.check(&reading) })
  }

  private func check(_ reading: inout Reading) {
    let path = reading.path
    if !address.isLoopback, !isBehindProxy, tls == nil {
      reading.report(
        at: "\(path).address",
        "passwords and decisions would cross the network in the clear; write tls: { certificate: \"file:…\", key: \"file:…\" }, "
          + "listen on 127.0.0.1, or put a proxy that speaks TLS in front and write behind_proxy: true"
      )
    }
    if address.isAny, publicURL == nil, tls != nil {
      reading.report(
        at: "\(path).address",
        "write public_url too: the address people type, such as https://console.example")
    }
    if isBehindProxy, publicURL == nil {
      reading.report(
        at: "\(path).behind_proxy",
        "write public_url too: the address people type, such as https://console.example")
    }
    if isBehindProxy || tls != nil, let publicURL, publicURL.hasPrefix("http://") {
      reading.report(
        at: "\(path).public_url",
        "\(tls == nil ? "a proxy that speaks TLS" : "a console with tls") is reached with https://")
    }
    var names: Set<String> = []
    for (index, key) in keys.enumerated() where !names.insert(key.name).inserted {
      reading.report(
        at: "\(path).api_keys[\(index)].name",
        "this name is taken; decisions could not be told apart")
    }
  }
}

/// How people sign in to the console.
public struct ConsoleLoginConfiguration: Sendable {
  public var openID: ConsoleOpenIDConfiguration?
  public var localAdmin: LocalAdminConfiguration?

  public init() {}
}

extension ConsoleLoginConfiguration: SchemaObject {
  static var keys: KeyTable<ConsoleLoginConfiguration> {
    KeyTable(keys: [
      .optional(
        "oidc", \.openID, Shape<ConsoleOpenIDConfiguration>.object.optional,
        "through an identity provider (OpenID Connect); its redirect address is <public_url>/login/callback"
      ),
      .optional(
        "local_admin", \.localAdmin, Shape<LocalAdminConfiguration>.object.optional,
        "one administrator with a password: for the first start, and where there is no identity provider"
      ),
    ])
  }
}

/// The identity provider that people sign in at.
public struct ConsoleOpenIDConfiguration: Sendable {
  public var issuer = ""
  public var clientID = ""
  public var secretReference: String?
  public var clientSecret: Secret?
  public var scopes = ["openid", "profile", "email"]
  public var groupsClaim = "groups"
  public var nameClaim: String?
  public var authorities: TrustedAuthorities?

  public init() {}
}

extension ConsoleOpenIDConfiguration: SchemaObject {
  static var keys: KeyTable<ConsoleOpenIDConfiguration> {
    KeyTable(
      keys: [
        .required("issuer", \.issuer, .issuer, "the provider's issuer, exactly as it names itself"),
        .required(
          "client_id", \.clientID, .text(bytesMax: 256), "the name the console has at the provider"),
        .optional(
          "client_secret", \.secretReference, Shape<String>.secretReference.optional,
          "a reference to the secret it has there; left out for a public client"),
        .optional(
          "scopes", \.scopes, .list(.text(bytesMax: 128), atLeast: 1, atMost: 32),
          "what to ask for; openid must be among them"),
        .optional(
          "groups_claim", \.groupsClaim, .text(bytesMax: 256),
          "the claim that names a person's groups; dots lead into objects"),
        .optional(
          "name_claim", \.nameClaim, Shape<String>.text(bytesMax: 256).optional,
          "the claim that names a person; preferred_username, else email, else sub when left out"),
        .optional(
          "authorities", \.authorities, Shape<TrustedAuthorities>.trustedAuthorities.optional,
          "certificate authorities to trust instead of the system's, in PEM form: file:/path"),
      ],
      finish: { provider, _, reading in
        if !provider.scopes.contains("openid") {
          reading.report(at: "\(reading.path).scopes", "\"openid\" must be among the scopes")
        }
        let secret = reading.secret(provider.secretReference, key: "client_secret")
        provider.clientSecret = secret.map { Secret($0) }
      })
  }
}

/// The one administrator with a password.
public struct LocalAdminConfiguration: Sendable {
  public var name = "admin"
  public var hashReference: String?
  /// What `sluice console password` printed; nil for a password that is made and shown at every start.
  public var passwordHash: String?
  public var groups: [PositionedText] = []

  public init() {}
}

extension LocalAdminConfiguration: SchemaObject {
  static var keys: KeyTable<LocalAdminConfiguration> {
    KeyTable(
      keys: [
        .optional("name", \.name, .name("a name"), "what approvals call this person"),
        .optional(
          "password_hash", \.hashReference, Shape<String>.secretReference.optional,
          "a reference to the hash that `sluice console password` prints; when left out, every start shows a password that "
            + "is good for one sign-in"),
        .optional(
          "groups", \.groups, .groups,
          "groups beside the role; a reviewers' group lets this person decide approvals"),
      ],
      finish: { admin, _, reading in
        guard let hash = reading.secret(admin.hashReference, key: "password_hash") else { return }
        let text = String(decoding: hash, as: UTF8.self)
        // Where the secret cannot be had, `sluice check` has said so.
        guard text.isEmpty || text.hasPrefix("scrypt$") else {
          reading.report(
            at: "\(reading.path).password_hash",
            "this is no hash of a password; `sluice console password` makes one")
          return
        }
        admin.passwordHash = text
      })
  }
}

extension Reading {
  /// The bytes of a secret that a key of the current mapping refers to.
  fileprivate mutating func secret(_ reference: String?, key: String) -> [UInt8]? {
    guard let reference, case .success(let found) = SecretResolver.reference(reference) else {
      return nil
    }
    return secrets.resolve(found, at: "\(path).\(key)", &self)
  }
}

extension Shape where Value == String {
  /// Scheme, host and perhaps a port: the origin of a page (RFC 6454), as a browser writes it.
  static var origin: Shape {
    .text(bytesMax: 256, expected: "an address such as https://console.example").map {
      text, node, reading in
      guard let rest = webAddress(text, node, &reading) else { return nil }
      guard !rest.contains("/"), text == text.lowercased(), !text.hasSuffix(":443") else {
        reading.report(
          node.origin,
          "expected scheme, host and perhaps a port, in lower case and without a slash at the end: https://console.example"
        )
        return nil
      }
      return text
    }
  }

  /// The issuer of an identity provider: https, or http on this machine.
  fileprivate static var issuer: Shape {
    .text(bytesMax: 1024, expected: "an address such as https://idp.example").map {
      text, node, reading in webAddress(text, node, &reading).map { _ in text }
    }
  }

  /// What stands behind the scheme; reports anything that is not https, or http to this machine.
  private static func webAddress(
    _ text: String, _ node: Node, _ reading: inout Reading
  ) -> Substring? {
    for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
      let rest = text.dropFirst(scheme.count)
      let host = rest.prefix { $0 != "/" && $0 != ":" }
      let isPlain = rest.utf8.allSatisfy {
        (0x21...0x7E).contains($0) && !"?#@\"'<>\\".utf8.contains($0)
      }
      guard !host.isEmpty, isPlain else { break }
      guard
        scheme == "https://" || host == "localhost" || IPAddress.bytes(String(host))?.first == 127
      else {
        reading.report(node.origin, "tokens would cross the network in the clear; use https://")
        return nil
      }
      return rest
    }
    reading.report(node.origin, "\"\(text)\" is no address such as https://console.example")
    return nil
  }
}
