internal import COpenSSL
internal import Identity

/// Texts that nobody can guess.
enum RandomText {
  /// 256 random bits as base64url (RFC 4648 section 5), 43 characters.
  static func make() -> String {
    base64URL(bytes(32))
  }

  /// Whether a text has the form of what `make` makes.
  static func isOne(_ text: String) -> Bool {
    text.utf8.count == 43
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
      }
  }

  static func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let done = unsafe RAND_bytes(&bytes, Int32(count))
    // Without randomness no session can be safe, so there is none.
    precondition(done == 1, "OpenSSL has no randomness")
    return bytes
  }

  /// Base64 with the URL-safe alphabet and no padding.
  static func base64URL(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var text: [UInt8] = []
    var buffer: UInt32 = 0
    var bits = 0
    for byte in bytes {
      buffer = buffer << 8 | UInt32(byte)
      bits += 8
      while bits >= 6 {
        bits -= 6
        text.append(alphabet[Int(buffer >> UInt32(bits) & 63)])
      }
    }
    if bits > 0 { text.append(alphabet[Int(buffer << UInt32(6 - bits) & 63)]) }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Comparing secrets in time that says nothing about them.
enum ConstantTime {
  /// Both are hashed first, so that not even their lengths matter.
  static func areEqual(_ left: String, _ right: String) -> Bool {
    areEqual(APIKey.sha256(of: Array(left.utf8)), APIKey.sha256(of: Array(right.utf8)))
  }

  static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return unsafe CRYPTO_memcmp(left, right, left.count) == 0
  }
}
