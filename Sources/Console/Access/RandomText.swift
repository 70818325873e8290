internal import COpenSSL
internal import Identity

/// Texts that nobody can guess.
enum RandomText {
  /// 256 random bits as base64url (RFC 4648 section 5), 43 characters.
  static func make() -> String {
    APIKey.base64URL(bytes(32))
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
