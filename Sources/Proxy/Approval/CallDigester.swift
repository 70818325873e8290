internal import COpenSSL
internal import Policy
internal import Wire

/// Computes the digest that names a call: SHA-256 (FIPS 180-4) over its parts, each behind its length, so that no two calls
/// run together to the same bytes.
@safe
struct CallDigester: ~Copyable {
  private let context: OpaquePointer
  private var isSound = true

  init() {
    unsafe context = EVP_MD_CTX_new()
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  mutating func begin() {
    isSound = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    add("sluice call 2")
  }

  mutating func add(_ text: StaticString) {
    add(unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount))
  }

  mutating func add(number: UInt64) {
    var bytes = number.littleEndian
    let done = unsafe withUnsafeBytes(of: &bytes) { bytes in
      unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }
    isSound = isSound && done == 1
  }

  mutating func add(_ part: RawSpan) {
    add(number: UInt64(part.byteCount))
    let done = unsafe part.withUnsafeBytes { bytes in
      unsafe bytes.isEmpty ? 1 : EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }
    isSound = isSound && done == 1
  }

  /// Nil when the library failed.
  mutating func finish() -> CallDigest? {
    var digest = CallDigest()
    let done = unsafe withUnsafeMutableBytes(of: &digest.words) { bytes in
      unsafe EVP_DigestFinal_ex(
        context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
    }
    return isSound && done == 1 ? digest : nil
  }
}
