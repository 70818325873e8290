internal import COpenSSL

/// SHA-256 over several pieces, by OpenSSL (which uses the processor's SHA instructions).
@safe
package struct Digest: ~Copyable {
  private let context: OpaquePointer
  private let algorithm: OpaquePointer

  package init() {
    // Out of memory, or an OpenSSL that lacks SHA-256: nothing sensible can go on without it.
    guard let context = unsafe EVP_MD_CTX_new(),
      let algorithm = unsafe EVP_MD_fetch(nil, "SHA256", nil)
    else { fatalError("OpenSSL provides no SHA-256") }
    unsafe self.context = context
    unsafe self.algorithm = algorithm
    restart()
  }

  deinit {
    unsafe EVP_MD_CTX_free(context)
    unsafe EVP_MD_free(algorithm)
  }

  /// Forgets everything and begins anew.
  private mutating func restart() {
    let done = unsafe EVP_DigestInit_ex(context, algorithm, nil)
    precondition(done == 1, "OpenSSL refuses to hash")
  }

  mutating func update(unsafe bytes: UnsafeRawPointer, count: Int) {
    let done = unsafe EVP_DigestUpdate(context, bytes, count)
    precondition(done == 1, "OpenSSL refuses to hash")
  }

  package mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { source in
      if let first = source.baseAddress { unsafe update(unsafe: first, count: source.count) }
    }
  }

  /// The hash of what came since the last `finish`, and a fresh start.
  package mutating func finish() -> AuditHash {
    var hash = AuditHash.zero
    let done = unsafe withUnsafeMutableBytes(of: &hash) { place in
      unsafe EVP_DigestFinal_ex(context, place.baseAddress, nil)
    }
    precondition(done == 1, "OpenSSL refuses to hash")
    restart()
    return hash
  }
}
