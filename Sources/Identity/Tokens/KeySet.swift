internal import FoundationEssentials
internal import JWTKit

/// The signing keys that a provider publishes (RFC 7517 §5), ready for use: immutable, shared by all workers.
public final class KeySet: Sendable {
  /// One key for one algorithm: an RSA key that names none serves several.
  struct Key: Sendable {
    let identifier: [UInt8]?
    let algorithm: SignatureAlgorithm
    let verifier: any JWTAlgorithm
  }

  /// Keys of a set that are looked at. Providers publish two or three.
  public static let keysMax = 64

  let keys: [Key]
  /// The `kid`s, as published.
  public let identifiers: [String]
  /// What was published and is not used, and why: for the log.
  public let skipped: [String]
  /// The same for sets with the same keys, whatever else the document says.
  public let fingerprint: [UInt8]

  /// Reads a JWK Set. Keys that are not for signatures, of unknown kinds, or too weak are skipped, as RFC 7517 §5 asks;
  /// private parts are never read.
  /// - Throws: `KeySetError` when the document is none, or holds no key of use.
  public init(
    json: [UInt8], algorithms: Set<SignatureAlgorithm>
  ) async throws(KeySetError) {
    let document: Document
    do {
      document = try JSONDecoder().decode(Document.self, from: Data(json))
    } catch {
      throw .notAKeySet
    }
    guard document.keys.count <= KeySet.keysMax else { throw .tooManyKeys(document.keys.count) }
    var keys: [Key] = []
    var skipped: [String] = []
    var fingerprint: [String] = []
    for (number, entry) in document.keys.enumerated() {
      let label = entry.kid.map { "\"\($0)\"" } ?? "number \(number + 1)"
      do throws(SkippedKey) {
        let wanted = try entry.wanted(algorithms)
        for algorithm in wanted {
          let verifier = try await entry.verifier(algorithm)
          keys.append(
            Key(
              identifier: entry.kid.map { Array($0.utf8) }, algorithm: algorithm, verifier: verifier
            ))
          fingerprint.append(entry.fingerprint(algorithm))
        }
      } catch {
        skipped.append("key \(label): \(error.reason)")
      }
    }
    guard !keys.isEmpty else { throw .noUsableKey(skipped) }
    self.keys = keys
    self.skipped = skipped
    identifiers = document.keys.compactMap(\.kid)
    self.fingerprint = APIKey.sha256(of: Array(fingerprint.sorted().joined(separator: "\n").utf8))
  }

  /// The keys that may have signed a token: those it names. A token that names none is taken to be signed by the only key
  /// for its algorithm, and by none when there are several.
  func candidates(identifier: [UInt8]?, algorithm: SignatureAlgorithm) -> [Key] {
    let suiting = keys.filter { $0.algorithm == algorithm }
    guard let identifier else { return suiting.count == 1 ? suiting : [] }
    return suiting.filter { $0.identifier == identifier }
  }
}

/// Why a document gives no keys.
public enum KeySetError: Error, Sendable, Equatable, CustomStringConvertible {
  case notAKeySet
  case tooManyKeys(Int)
  case noUsableKey([String])

  public var description: String {
    switch self {
    case .notAKeySet: "not a JWK Set (RFC 7517)"
    case .tooManyKeys(let count): "\(count) keys; at most \(KeySet.keysMax) are read"
    case .noUsableKey(let skipped):
      skipped.isEmpty
        ? "no key in it" : "no key of use in it (\(skipped.joined(separator: "; ")))"
    }
  }
}

private struct SkippedKey: Error {
  var reason: String
}

/// The members of a JWK that matter for verifying; the rest is not read.
private struct Entry: Decodable {
  var kty: String?
  var use: String?
  var operations: [String]?
  var alg: String?
  var kid: String?
  var n: String?
  var e: String?
  var crv: String?
  var x: String?
  var y: String?

  private enum CodingKeys: String, CodingKey {
    case kty, use, alg, kid, n, e, crv, x, y
    case operations = "key_ops"
  }

  /// The accepted algorithms this key can be for.
  func wanted(_ accepted: Set<SignatureAlgorithm>) throws(SkippedKey) -> [SignatureAlgorithm] {
    guard use ?? "sig" == "sig" else { throw SkippedKey(reason: "not for signatures") }
    guard operations?.contains("verify") ?? true else {
      throw SkippedKey(reason: "not for verifying")
    }
    let suiting = SignatureAlgorithm.allCases.filter { algorithm in
      accepted.contains(algorithm) && algorithm.keyType == kty
        && (algorithm.curve == nil || algorithm.curve == crv)
        && (alg == nil || alg == algorithm.rawValue)
    }
    guard !suiting.isEmpty else {
      let kind = [kty, crv, alg].compactMap { $0 }.joined(separator: " ")
      throw SkippedKey(reason: "no accepted algorithm is for \(kind.isEmpty ? "it" : kind)")
    }
    return suiting
  }

  func verifier(_ algorithm: SignatureAlgorithm) async throws(SkippedKey) -> any JWTAlgorithm {
    let identifier = JWKIdentifier(string: "key")
    let name = JWK.Algorithm(rawValue: algorithm.rawValue)
    let key: JWK =
      switch algorithm.keyType {
      case "RSA": .rsa(name, identifier: identifier, modulus: n, exponent: e)
      case "EC":
        .ecdsa(name, identifier: identifier, x: x, y: y, curve: crv.flatMap(ECDSACurve.init))
      default:
        .octetKeyPair(
          name, identifier: identifier, x: x, y: nil, curve: crv.flatMap(EdDSACurve.init))
      }
    do {
      // A collection of its own for each: the only public way to a key's algorithm, which then verifies synchronously.
      let collection = JWTKeyCollection()
      try await collection.add(jwk: key)
      return try await collection.getKey(for: identifier, alg: algorithm.rawValue)
    } catch {
      throw SkippedKey(reason: "cannot be used: \(error)")
    }
  }

  func fingerprint(_ algorithm: SignatureAlgorithm) -> String {
    [kid ?? "", algorithm.rawValue, n ?? "", e ?? "", crv ?? "", x ?? "", y ?? ""]
      .joined(separator: "\u{0}")
  }
}

private struct Document: Decodable {
  /// An entry that is no object, or has members of other types, is no key; the rest of the set stays.
  struct Lenient: Decodable {
    var entry: Entry

    init(from decoder: any Decoder) throws {
      entry = (try? Entry(from: decoder)) ?? Entry()
    }
  }

  var keys: [Entry]

  private enum CodingKeys: CodingKey { case keys }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    keys = try container.decode([Lenient].self, forKey: .keys).map(\.entry)
  }
}
