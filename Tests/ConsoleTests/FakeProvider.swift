import Foundation
import JWTKit
import Outbound
import Synchronization

@testable import Console

/// An identity provider in memory, with a key of its own, that says what a test tells it to say.
final class FakeProvider: Sendable {
  static let issuer = "https://idp.example"

  struct State {
    /// Claims of the next token, beside those that are always there.
    var claims: [String: ClaimValue] = [:]
    var removes: Set<String> = []
    var keyID = "key-1"
    var publishedKeyID = "key-1"
    var header: [String: String] = [:]
    var discovery: [String: String] = [:]
    var person: [String: ClaimValue]?
    var status = 200
    var contentType = "application/json"
    var replacement: String?
    /// Every request, by its path.
    var requests: [(path: String, request: OutboundRequest)] = []
  }

  let state = Mutex(State())
  let clock: TestClock
  private let key = ES256PrivateKey()

  init(clock: TestClock) { self.clock = clock }

  func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
  var requests: [(path: String, request: OutboundRequest)] { state.withLock { $0.requests } }

  func answer(_ request: OutboundRequest, nonce: String) async -> OutboundAnswer {
    let path = String(request.url.dropFirst(FakeProvider.issuer.count))
    let state = state.withLock { state in
      state.requests.append((path, request))
      return state
    }
    let body: [UInt8] =
      switch path {
      case "/.well-known/openid-configuration": discovery(state)
      case "/keys": keys(state)
      case "/token": await token(state, nonce)
      case "/userinfo": json(state.person ?? [:])
      default: []
      }
    return OutboundAnswer(
      status: state.status, fields: [("content-type", state.contentType)], body: body)
  }

  private func discovery(_ state: State) -> [UInt8] {
    var values = [
      "issuer": FakeProvider.issuer, "authorization_endpoint": FakeProvider.issuer + "/authorize",
      "token_endpoint": FakeProvider.issuer + "/token", "jwks_uri": FakeProvider.issuer + "/keys",
      "userinfo_endpoint": FakeProvider.issuer + "/userinfo",
    ]
    values.merge(state.discovery) { $1 }
    return json(values.mapValues(ClaimValue.text))
  }

  private func keys(_ state: State) -> [UInt8] {
    let parameters = key.parameters!
    func url(_ text: String) -> ClaimValue {
      .text(
        text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: ""))
    }
    let ours: ClaimValue = .object([
      "kty": .text("EC"), "crv": .text("P-256"), "kid": .text(state.publishedKeyID),
      "alg": .text("ES256"), "use": .text("sig"), "x": url(parameters.x), "y": url(parameters.y),
    ])
    // Of a kind that nobody knows: ignored.
    let strange: ClaimValue = .object(["kty": .text("QUANTUM"), "kid": .text("q")])
    return json(["keys": .list([strange, ours])])
  }

  private struct Payload: JWTPayload {
    var values: [String: ClaimValue]
    init(_ values: [String: ClaimValue]) { self.values = values }
    init(from decoder: any Decoder) throws { values = try .init(from: decoder) }
    func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }
    func verify(using algorithm: some JWTAlgorithm) async throws {}
  }

  private func token(_ state: State, _ nonce: String) async -> [UInt8] {
    let now = clock.now.timeIntervalSince1970
    var claims: [String: ClaimValue] = [
      "iss": .text(FakeProvider.issuer), "aud": .text("sluice"), "sub": .text("u-1"),
      "exp": .number(now + 300), "iat": .number(now), "nonce": .text(nonce),
      "preferred_username": .text("alice"), "groups": .list([.text("dba"), .text("staff")]),
    ]
    claims.merge(state.claims) { $1 }
    for name in state.removes { claims[name] = nil }
    let collection = JWTKeyCollection()
    await collection.add(ecdsa: key, kid: JWKIdentifier(string: state.keyID))
    let signed = try? await collection.sign(
      Payload(claims), kid: JWKIdentifier(string: state.keyID))
    return json([
      "id_token": .text(state.replacement ?? signed ?? ""), "access_token": .text("access"),
      "token_type": .text("Bearer"),
    ])
  }

  private func json(_ values: [String: ClaimValue]) -> [UInt8] {
    Array((try? JSONEncoder().encode(values)) ?? Data())
  }
}
