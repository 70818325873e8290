internal import COpenSSL
internal import Identity

/// A password as the configuration holds it: `scrypt$15$8$1$<salt>$<hash>`, with the salt and the hash in hexadecimal
/// digits (scrypt: RFC 7914). With these costs a guess takes 32 MiB and about a tenth of a second.
public struct PasswordHash: Sendable, Equatable {
  /// The longest password that is looked at, in bytes.
  public static let passwordBytesMax = 1024
  private static let logN = 15
  private static let blockSize: UInt64 = 8
  private static let memoryBytesMax: UInt64 = 64 << 20

  private var salt: [UInt8]
  private var hash: [UInt8]

  /// Hashes a new password with a salt of its own.
  public init(password: String) {
    salt = RandomText.bytes(16)
    hash = PasswordHash.derive(password, salt: salt)
  }

  /// Reads what `text` writes; nil for anything else.
  public init?(text: String) {
    let parts = text.split(separator: "$", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0] == "scrypt", parts[1] == "15", parts[2] == "8",
      parts[3] == "1",
      let salt = APIKey.bytes(hexadecimal: String(parts[4])), salt.count >= 16,
      let hash = APIKey.bytes(hexadecimal: String(parts[5])), hash.count == 32
    else { return nil }
    self.salt = salt
    self.hash = hash
  }

  public var text: String {
    "scrypt$15$8$1$\(APIKey.hexadecimal(salt))$\(APIKey.hexadecimal(hash))"
  }

  /// Takes about a tenth of a second of processor time, right or wrong.
  public func matches(_ password: String) -> Bool {
    // HMAC fills a short key up with zeros, so "a" and "a\0" would be the same password.
    guard password.utf8.count <= PasswordHash.passwordBytesMax, !password.utf8.contains(0) else {
      return false
    }
    return ConstantTime.areEqual(PasswordHash.derive(password, salt: salt), hash)
  }

  private static func derive(_ password: String, salt: [UInt8]) -> [UInt8] {
    var key = [UInt8](repeating: 0, count: 32)
    let bytes = password.utf8.map { CChar(bitPattern: $0) }
    let done = unsafe EVP_PBE_scrypt(
      bytes, bytes.count, salt, salt.count, 1 << UInt64(logN), blockSize, 1, memoryBytesMax, &key,
      key.count)
    precondition(done == 1, "OpenSSL has no scrypt")
    return key
  }
}

/// Only the hash's kind is ever shown by accident.
extension PasswordHash: CustomStringConvertible, CustomReflectable {
  public var description: String { "[password hash]" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
