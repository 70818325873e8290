public import Identity

/// Where the console and the admin API listen, who may sign in, and who may see what.
public struct ConsoleSettings: Sendable {
  /// A numeric address without brackets. A console that speaks plain HTTP anywhere but on loopback stands behind a proxy
  /// that speaks TLS.
  public var host = "127.0.0.1"
  /// 0 lets the system choose.
  public var port = 8081
  /// Nil for plain HTTP.
  public var tls: TLSContext?
  /// The origin under which browsers reach the console, such as `https://console.example`, without a slash at its end;
  /// nil for the address itself, such as `http://127.0.0.1:8081`.
  public var publicURL: String?
  /// Sign-in through an identity provider.
  public var openID: OpenIDSettings?
  /// Sign-in with a password, for the first start and for where there is no provider.
  public var localAdmin: LocalAdminSettings?
  /// Members see everything.
  public var adminGroups: Set<String> = []
  /// Members see sessions, all approvals and policies, and decide nothing by that alone.
  public var auditorGroups: Set<String> = []
  /// Programs that use the admin API with a bearer token.
  public var keys: [ConsoleKey] = []
  /// Whether approving takes a reason, as denying always does.
  public var approvalNeedsReason = false
  public var limits = ConsoleLimits()

  public init() {}
}

/// The identity provider through which people sign in (OpenID Connect Core 1.0, code flow with PKCE).
public struct OpenIDSettings: Sendable {
  /// Exactly as the provider spells it in its tokens.
  public var issuer: String
  public var clientID: String
  /// Nil for a public client.
  public var clientSecret: Secret?
  public var scopes = ["openid", "profile", "email"]
  /// The claim that names a person's groups: a name, or names joined by dots into nested objects. An array, or one text
  /// with commas or spaces.
  public var groupsClaim = "groups"
  /// The claim that names a person; nil for the first of preferred_username, email and sub that is there.
  public var nameClaim: String?
  /// What the gateway calls this provider where agents bring its tokens, so that a person here is known to be the principal
  /// `provider/name` there; nil where they do not.
  public var provider: String?
  /// Certificate authorities instead of the system's, in PEM form.
  public var authorities: [UInt8]?

  public init(issuer: String, clientID: String, clientSecret: Secret? = nil) {
    self.issuer = issuer
    self.clientID = clientID
    self.clientSecret = clientSecret
  }
}

/// The one person who signs in with a password.
public struct LocalAdminSettings: Sendable {
  public var name = "admin"
  /// What `sluice console password` prints; nil for a password made at start, good for one sign-in.
  public var passwordHash: String?
  /// Groups beside the role of an administrator: a reviewers' group lets this person decide.
  public var groups: Set<String> = []

  public init() {}
}

/// A program that may use the admin API.
public struct ConsoleKey: Sendable {
  public var name: String
  /// SHA-256 of its key, 32 bytes, as `sluice key` makes it.
  public var digest: [UInt8]
  public var groups: Set<String>

  public init(name: String, digest: [UInt8], groups: Set<String>) {
    self.name = name
    self.digest = digest
    self.groups = groups
  }
}

/// The bounds of everything the console keeps or waits for.
public struct ConsoleLimits: Sendable {
  /// Sessions at once; at the limit, the one that was used longest ago ends.
  public var sessionsMax = 1024
  /// A session ends after so many seconds without a request…
  public var sessionIdleSeconds = 30.0 * 60
  /// …and at the latest so many seconds after the sign-in.
  public var sessionSeconds = 8.0 * 3600
  /// Sign-ins under way at a provider; at the limit, the oldest is forgotten.
  public var pendingLoginsMax = 1024
  public var pendingLoginSeconds = 600.0
  /// Wrong passwords from one address within `loginWindowSeconds`; more are turned away with 429.
  public var loginFailuresMax = 5
  /// The same from all addresses together.
  public var loginFailuresAllMax = 50
  public var loginWindowSeconds = 300.0
  /// Connections at once; more wait in the system's queue.
  public var connectionsMax = 256
  public var idleConnectionSeconds = 75
  /// From the beginning of a connection to the end of its TLS handshake.
  public var handshakeSeconds = 10
  public var requestBytesMax = 64 << 10
  /// Live streams of approvals at once; more get 503, and pages ask again instead.
  public var streamsMax = 64
  /// Approvals on one page or in one answer.
  public var approvalsMax = 200
  /// Approvals looked through for those that a viewer may see.
  public var approvalsReadMax = 5000
  /// Arguments longer than this are shown on the approval's own page only.
  public var listedArgumentBytesMax = 4096
  public var reasonCharactersMax = 2000

  public init() {}
}
