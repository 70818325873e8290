internal import Foundation
internal import JWTKit
internal import Outbound

/// What a provider says about itself (OpenID Connect Discovery 1.0 section 3).
struct ProviderMetadata: Decodable, Sendable, Equatable {
  var issuer: String
  var authorizationEndpoint: String
  var tokenEndpoint: String
  var jwksURI: String
  var userinfoEndpoint: String?
  var tokenEndpointAuthMethods: [String]?
  var sendsIssuer: Bool?

  enum CodingKeys: String, CodingKey {
    case issuer
    case authorizationEndpoint = "authorization_endpoint"
    case tokenEndpoint = "token_endpoint"
    case jwksURI = "jwks_uri"
    case userinfoEndpoint = "userinfo_endpoint"
    case tokenEndpointAuthMethods = "token_endpoint_auth_methods_supported"
    case sendsIssuer = "authorization_response_iss_parameter_supported"
  }
}

/// The provider as the console sees it: its metadata and keys, fetched when needed and kept for a while.
actor OpenIDProvider {
  /// How long metadata and keys are used before they are fetched again.
  static let cacheSeconds = 600.0
  /// After an unknown key, the key set is fetched again at most this often.
  static let refetchSeconds = 30.0
  static let keysMax = 64

  private let settings: OpenIDSettings
  private let now: @Sendable () -> Date
  private let send: OpenIDTransport
  private var metadata: (value: ProviderMetadata, fetched: Date)?
  private var keys: (value: JWTKeyCollection, ids: Set<String>, fetched: Date)?

  init(
    _ settings: OpenIDSettings, now: @escaping @Sendable () -> Date, send: @escaping OpenIDTransport
  ) {
    self.settings = settings
    self.now = now
    self.send = send
  }

  func describe() async throws(OpenIDFailure) -> ProviderMetadata {
    if let metadata, now().timeIntervalSince(metadata.fetched) < OpenIDProvider.cacheSeconds {
      return metadata.value
    }
    var base = settings.issuer
    if base.hasSuffix("/") { base.removeLast() }
    let url = base + "/.well-known/openid-configuration"
    let value: ProviderMetadata = try await json(request("GET", url), of: "its description")
    guard value.issuer == settings.issuer else {
      throw OpenIDFailure(
        "\(url) describes the issuer \(value.issuer), and the configuration says \(settings.issuer)."
      )
    }
    for endpoint in [value.authorizationEndpoint, value.tokenEndpoint, value.jwksURI] {
      guard endpoint.hasPrefix("https://") || settings.issuer.hasPrefix("http://") else {
        throw OpenIDFailure("The provider names an address without TLS: \(endpoint).")
      }
    }
    metadata = (value, now())
    return value
  }

  /// Verifies the signature with the provider's keys; a key nobody knows yet leads to one more look at the key set.
  func verify(_ token: String) async throws(OpenIDFailure) -> IDToken {
    let (algorithm, id) = try OpenIDProvider.header(token)
    guard IDToken.algorithms.contains(algorithm) else {
      throw OpenIDFailure("The token's algorithm \(algorithm) is not accepted.")
    }
    var known = try await keySet(olderThan: OpenIDProvider.cacheSeconds)
    if let id, !known.ids.contains(id) {
      known = try await keySet(olderThan: OpenIDProvider.refetchSeconds)
      guard known.ids.contains(id) else {
        throw OpenIDFailure("The token is signed with a key that the provider does not publish.")
      }
    }
    guard id != nil || known.ids.count == 1 else {
      throw OpenIDFailure("The token does not name its key.")
    }
    do {
      return try await known.value.verify(token, as: IDToken.self)
    } catch {
      throw OpenIDFailure("The token's signature is wrong.")
    }
  }

  /// Sends a request and reads the JSON of a successful answer.
  func json<Value: Decodable>(
    _ request: OutboundRequest, of what: String
  ) async throws(OpenIDFailure) -> Value {
    let answer: OutboundAnswer
    do {
      answer = try await send(request)
    } catch {
      throw OpenIDFailure("The identity provider cannot be reached: \(error.description)")
    }
    let type = answer.field("content-type") ?? ""
    guard answer.status == 200, type.lowercased().contains("json") else {
      throw OpenIDFailure(
        "The identity provider answered \(answer.status) when asked for \(what)\(reason(answer)).")
    }
    do {
      return try JSONDecoder().decode(Value.self, from: Data(answer.body))
    } catch {
      throw OpenIDFailure("The identity provider's answer for \(what) cannot be read.")
    }
  }

  nonisolated func request(_ method: String, _ url: String) -> OutboundRequest {
    var request = OutboundRequest(method, url: url)
    request.fields = [("Accept", "application/json")]
    request.authorities = settings.authorities
    return request
  }

  /// What RFC 6749 section 5.2 calls `error`, when it is one plain word.
  private func reason(_ answer: OutboundAnswer) -> String {
    let object = try? JSONDecoder().decode([String: ClaimValue].self, from: Data(answer.body))
    guard let word = object?["error"]?.text, word.utf8.count <= 64,
      word.utf8.allSatisfy({ $0 == 0x5F || (0x61...0x7A).contains($0) })
    else { return "" }
    return " (\(word))"
  }

  private func keySet(
    olderThan seconds: Double
  ) async throws(OpenIDFailure) -> (value: JWTKeyCollection, ids: Set<String>, fetched: Date) {
    if let keys, now().timeIntervalSince(keys.fetched) < seconds { return keys }
    let address = try await describe().jwksURI
    let set: LenientKeySet = try await json(request("GET", address), of: "its keys")
    let collection = JWTKeyCollection()
    var ids: Set<String> = []
    for key in set.keys.prefix(OpenIDProvider.keysMax) {
      var key = key
      // A set of one key need not name it.
      if key.keyIdentifier == nil { key.keyIdentifier = "the only key" }
      guard let id = key.keyIdentifier?.string, (try? await collection.add(jwk: key)) != nil else {
        continue
      }
      ids.insert(id)
    }
    guard !ids.isEmpty else {
      throw OpenIDFailure("The identity provider publishes no usable key.")
    }
    let fetched = (collection, ids, now())
    keys = fetched
    return fetched
  }

  private static func header(_ token: String) throws(OpenIDFailure) -> (String, String?) {
    struct Header: Decodable {
      var alg: String
      var kid: String?
      var crit: [String]?
    }
    let part = token.prefix { $0 != "." }
    var text = part.replacing("-", with: "+").replacing("_", with: "/")
    text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    guard token.utf8.count <= 32 << 10, let data = Data(base64Encoded: String(text)),
      let header = try? JSONDecoder().decode(Header.self, from: data), header.crit == nil
    else { throw OpenIDFailure("The identity provider's token cannot be read.") }
    return (header.alg, header.kid)
  }
}

/// How requests reach the provider; tests have a provider of their own.
typealias OpenIDTransport =
  @Sendable (OutboundRequest) async throws(OutboundError) -> OutboundAnswer

/// A key set (RFC 7517 section 5: keys of unknown kinds are ignored).
private struct LenientKeySet: Decodable {
  var keys: [JWK]

  private struct Attempt: Decodable {
    var key: JWK?
    init(from decoder: any Decoder) throws { key = try? JWK(from: decoder) }
  }

  private enum CodingKeys: String, CodingKey { case keys }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    keys = try container.decode([Attempt].self, forKey: .keys).compactMap(\.key)
  }
}
