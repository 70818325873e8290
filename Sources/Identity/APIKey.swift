import COpenSSL
internal import Wire

/// A service account's API key and the hash that goes into the configuration.
///
/// The text is `sluice_` and 43 characters of base64url (RFC 4648 §5) that carry 256 random bits.
/// The prefix lets secret scanners and people recognise a leaked one.
public struct APIKey: Sendable, Equatable {
  /// The key itself. Shown once to the person who asked for it, stored nowhere by Sluice.
  public let text: String
  /// Its SHA-256, 64 lower-case hexadecimal digits: the value of `key_sha256`.
  public let sha256: String

  /// Makes a new key from the operating system's randomness.
  /// - Throws: `APIKeyError.noRandomness` when there is none to be had.
  public static func generate() throws(APIKeyError) -> APIKey {
    var random = [UInt8](repeating: 0, count: 32)
    guard unsafe RAND_bytes(&random, Int32(random.count)) == 1 else { throw .noRandomness }
    let text = "sluice_" + base64URL(random)
    return APIKey(text: text, sha256: hexadecimal(sha256(of: Array(text.utf8))))
  }

  /// The SHA-256 of some bytes, 32 bytes.
  public static func sha256(of bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    let done = unsafe EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil)
    precondition(done == 1, "OpenSSL has no SHA-256")
    return digest
  }

  /// Bytes as lower-case hexadecimal digits.
  public static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes that an even number of hexadecimal digits (either case) stand for, or nil.
  public static func bytes(hexadecimal text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in text.utf8 {
      guard let digit = value(ofHexadecimal: character) else { return nil }
      if let first = high {
        bytes.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return high == nil ? bytes : nil
  }

  private static func value(ofHexadecimal character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// Bytes as base64url without padding.
  package static func base64URL(_ bytes: [UInt8]) -> String { Base64URL.text(bytes) }
}

/// Only the hash is ever shown by accident.
extension APIKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "API key with SHA-256 \(sha256)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["sha256": sha256]) }
}

/// Why no key could be made.
public enum APIKeyError: Error, Equatable, Sendable {
  case noRandomness
}
