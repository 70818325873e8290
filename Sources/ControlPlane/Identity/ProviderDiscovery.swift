import Foundation
import Identity
import Outbound

/// Finds where a provider publishes its keys: OpenID Connect Discovery 1.0 §4, and RFC 8414 §3 where that is not answered.
struct ProviderDiscovery {
  /// Sends a GET and returns the answer: `OutboundRequest`, or a test's.
  typealias Get =
    @Sendable (_ url: String, _ authorities: [UInt8]?) async throws(OutboundError) ->
    OutboundAnswer

  let issuer: String
  let authorities: [UInt8]?
  let get: Get

  /// The documents to try, in this order: behind the issuer's path, then between host and path.
  static func documents(of issuer: String) -> [String] {
    let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
    let first = base + "/.well-known/openid-configuration"
    guard let scheme = base.firstRange(of: "://") else { return [first] }
    let slash = base[scheme.upperBound...].firstIndex(of: "/") ?? base.endIndex
    return [
      first,
      "\(base[..<slash])/.well-known/oauth-authorization-server\(base[slash...])",
    ]
  }

  /// The URL of the provider's keys. - Throws: what was wrong with each document that was tried.
  func keysURL() async throws(ProviderError) -> String {
    var problems: [String] = []
    for url in Self.documents(of: issuer) {
      do throws(ProviderError) {
        return try read(try await json(url))
      } catch {
        problems.append("\(url): \(error)")
      }
    }
    throw ProviderError(problems.joined(separator: "; "))
  }

  /// The JSON at a URL. Login pages answer 200 with HTML at any path: what is not declared to be JSON is none.
  func json(_ url: String) async throws(ProviderError) -> [UInt8] {
    let answer: OutboundAnswer
    do {
      answer = try await get(url, authorities)
    } catch {
      throw ProviderError(error.description)
    }
    guard answer.status == 200 else { throw ProviderError("it answers \(answer.status)") }
    let type = answer.field("content-type")?.lowercased().prefix { $0 != ";" && $0 != " " } ?? ""
    guard type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
    else {
      throw ProviderError("it answers \(type.isEmpty ? "without a content type" : type), not JSON")
    }
    return answer.body
  }

  private struct Document: Decodable {
    var issuer: String
    var keysURL: String

    private enum CodingKeys: String, CodingKey {
      case issuer
      case keysURL = "jwks_uri"
    }
  }

  private func read(_ json: [UInt8]) throws(ProviderError) -> String {
    let document: Document
    do {
      document = try JSONDecoder().decode(Document.self, from: Data(json))
    } catch {
      throw ProviderError("it has no issuer and jwks_uri")
    }
    // Another issuer's document must not speak for this one (RFC 8414 §3.3).
    guard document.issuer == issuer else {
      throw ProviderError(
        "it is of the issuer \"\(document.issuer)\"; the configuration must say exactly that")
    }
    guard document.keysURL.hasPrefix("https://") || issuer.hasPrefix("http://"),
      ResourceIdentifier(document.keysURL) != nil
    else { throw ProviderError("its jwks_uri is no https URL") }
    return document.keysURL
  }
}

/// Why a provider's keys could not be had, in words for a person.
struct ProviderError: Error, Equatable, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }
}
