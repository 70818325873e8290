internal import Approvals
internal import Foundation
internal import Identity
internal import Outbound
internal import Synchronization

/// Sign-in at a provider: authorization code flow with PKCE (RFC 7636), state and nonce (OpenID Connect Core 1.0 section 3.1).
final class OpenIDLogin: Sendable {
  private let settings: OpenIDSettings
  private let provider: OpenIDProvider
  private let pending: PendingLogins
  private let now: @Sendable () -> Date

  init(
    _ settings: OpenIDSettings, limits: ConsoleLimits, now: @escaping @Sendable () -> Date,
    send: @escaping OpenIDTransport = { request throws(OutboundError) in
      try await request.exchange()
    }
  ) {
    self.settings = settings
    self.now = now
    provider = OpenIDProvider(settings, now: now, send: send)
    pending = PendingLogins(limits: limits, now: now)
  }

  /// Where to send the browser.
  /// - Parameter binding: what only this browser has; it must come back with it.
  func begin(
    binding: String, redirect: String, next: LoginTarget
  ) async throws(OpenIDFailure) -> String {
    let metadata = try await provider.describe()
    let login = PendingLogins.Login(
      binding: binding, nonce: RandomText.make(), verifier: RandomText.make(), next: next,
      begun: now())
    let state = pending.add(login)
    let challenge = APIKey.base64URL(APIKey.sha256(of: Array(login.verifier.utf8)))
    let query = OpenIDLogin.form([
      ("response_type", "code"), ("client_id", settings.clientID), ("redirect_uri", redirect),
      ("scope", settings.scopes.joined(separator: " ")), ("state", state), ("nonce", login.nonce),
      ("code_challenge", challenge), ("code_challenge_method", "S256"),
    ])
    let separator = metadata.authorizationEndpoint.contains("?") ? "&" : "?"
    return metadata.authorizationEndpoint + separator + query
  }

  /// Takes what the browser came back with, and finds out who it is.
  func finish(
    _ callback: OpenIDCallback, binding: String?, redirect: String
  ) async throws(OpenIDFailure) -> (Viewer, LoginTarget) {
    guard let state = callback.state, let login = pending.take(state),
      let binding, ConstantTime.areEqual(binding, login.binding)
    else {
      throw OpenIDFailure(
        "This sign-in was not begun in this browser, or too long ago. Sign in again.",
        isTheirs: false)
    }
    if let error = callback.error {
      let words = callback.errorDescription.map { ": \($0.prefix(200))" } ?? ""
      throw OpenIDFailure(
        "The identity provider refused (\(error.prefix(64)))\(words).", isTheirs: false)
    }
    let metadata = try await provider.describe()
    // RFC 9207 section 2.4: the answer must be from the provider that was asked.
    guard
      callback.issuer ?? (metadata.sendsIssuer == true ? nil : settings.issuer) == settings.issuer
    else { throw OpenIDFailure("The answer is from another identity provider.") }
    guard let code = callback.code else {
      throw OpenIDFailure("The identity provider sent no code.")
    }
    let tokens: TokenAnswer = try await provider.json(
      tokenRequest(code: code, verifier: login.verifier, redirect: redirect, metadata),
      of: "a token")
    let token = try await provider.verify(tokens.idToken)
    try token.check(
      issuer: settings.issuer, clientID: settings.clientID, nonce: login.nonce, now: now())
    return (try await viewer(token.claims, tokens, metadata), login.next)
  }

  private struct TokenAnswer: Decodable {
    var idToken: String
    var accessToken: String?

    enum CodingKeys: String, CodingKey {
      case idToken = "id_token"
      case accessToken = "access_token"
    }
  }

  private func tokenRequest(
    code: String, verifier: String, redirect: String, _ metadata: ProviderMetadata
  ) -> OutboundRequest {
    var fields = [
      ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
      ("code_verifier", verifier),
    ]
    var request = provider.request("POST", metadata.tokenEndpoint)
    if let secret = settings.clientSecret?.text {
      let methods = metadata.tokenEndpointAuthMethods ?? ["client_secret_basic"]
      if methods.contains("client_secret_basic") || !methods.contains("client_secret_post") {
        // RFC 6749 section 2.3.1: both are form-encoded before base64.
        let pair = [settings.clientID, secret].map(PercentEncoding.encoded).joined(separator: ":")
        let text = Data(pair.utf8).base64EncodedString()
        request.fields.append(("Authorization", "Basic \(text)"))
      } else {
        fields += [("client_id", settings.clientID), ("client_secret", secret)]
      }
    } else {
      fields.append(("client_id", settings.clientID))
    }
    request.fields.append(("Content-Type", "application/x-www-form-urlencoded"))
    request.body = Array(OpenIDLogin.form(fields).utf8)
    return request
  }

  /// Names and groups, from the token or else from the user information endpoint (section 5.3).
  private func viewer(
    _ claims: Claims, _ tokens: TokenAnswer, _ metadata: ProviderMetadata
  ) async throws(OpenIDFailure) -> Viewer {
    var claims = claims
    guard let subject = claims["sub"]?.text else { throw OpenIDFailure("The token names nobody.") }
    let lacks = claims.claim(at: settings.groupsClaim) == nil || name(in: claims) == nil
    if lacks, let endpoint = metadata.userinfoEndpoint, let token = tokens.accessToken {
      var request = provider.request("GET", endpoint)
      request.fields.append(("Authorization", "Bearer \(token)"))
      let more: [String: ClaimValue] = try await provider.json(request, of: "the person")
      guard more["sub"]?.text == subject else {
        throw OpenIDFailure("The identity provider's answers are about two people.")
      }
      claims.values.merge(more) { token, _ in token }
    }
    guard let name = name(in: claims), !name.isEmpty, name.utf8.count <= 256 else {
      throw OpenIDFailure("The identity provider does not say what the person is called.")
    }
    let groups = claims.claim(at: settings.groupsClaim)?.texts ?? []
    let digest = SubjectDigest.of(issuer: settings.issuer, subject: subject)
    return Viewer(
      name: name, groups: Set(groups.prefix(1024)),
      person: Person.subject(APIKey.hexadecimal(digest)),
      principal: settings.provider.map { "\($0)/\(name)" })
  }

  private func name(in claims: Claims) -> String? {
    let names = settings.nameClaim.map { [$0] } ?? ["preferred_username", "email", "sub"]
    return names.lazy.compactMap { claims.claim(at: $0)?.text }.first
  }

  private static func form(_ fields: [(String, String)]) -> String {
    fields.map { "\(PercentEncoding.encoded($0.0))=\(PercentEncoding.encoded($0.1))" }
      .joined(separator: "&")
  }
}

/// Sign-ins that were begun and not finished.
final class PendingLogins: Sendable {
  struct Login: Sendable {
    var binding: String
    var nonce: String
    var verifier: String
    var next: LoginTarget
    var begun: Date
  }

  private let limits: ConsoleLimits
  private let now: @Sendable () -> Date
  private let logins = Mutex<[String: Login]>([:])

  init(limits: ConsoleLimits, now: @escaping @Sendable () -> Date) {
    self.limits = limits
    self.now = now
  }

  /// Returns the state that brings it back.
  func add(_ login: Login) -> String {
    let state = RandomText.make()
    logins.withLock { logins in
      if logins.count >= limits.pendingLoginsMax,
        let oldest = logins.min(by: { $0.value.begun < $1.value.begun })
      {
        logins[oldest.key] = nil
      }
      logins[state] = login
    }
    return state
  }

  /// The sign-in of a state, once.
  func take(_ state: String) -> Login? {
    guard let login = logins.withLock({ $0.removeValue(forKey: state) }),
      now().timeIntervalSince(login.begun) < limits.pendingLoginSeconds
    else { return nil }
    return login
  }
}

extension Secret {
  /// For where the secret has to be written into a request.
  var text: String {
    reveal { span in
      String(
        decoding: (0..<span.byteCount).map {
          unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
        }, as: UTF8.self)
    }
  }
}
