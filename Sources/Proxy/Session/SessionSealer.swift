internal import COpenSSL
internal import Glibc
internal import Wire

/// What a sealed text is for: one of one purpose does not open for another.
enum SealPurpose: UInt8, BitwiseCopyable {
  case session = 0
  case requestState = 1
  /// The id of a request that a server has made.
  case serverRequest = 2
  /// The id of an event on a stream.
  case event = 3
  /// The state that a server gives a client of the modern era to bring back.
  case serverState = 4
  /// The id of a task, with its tool.
  case task = 5
  /// The id of a stream of HTTP+SSE.
  case eventStream = 6

  /// The longest that is sealed for it.
  var plainBytesMax: Int {
    switch self {
    case .session, .serverRequest, .event, .eventStream: SessionSealer.plainBytesMax
    case .task: 1024
    case .requestState, .serverState: SessionSealer.stateBytesMax
    }
  }

  /// Whether the same becomes the same text each time: clients compare these.
  var isStable: Bool { self == .serverRequest || self == .task }
}

/// Turns a server's session id (or another short text that clients bring back) into one that only this gateway can read, and
/// back.
///
/// A sealed id is base64url of nonce (12 bytes), ciphertext and tag (16 bytes), AES-256-GCM (NIST SP 800-38D). The
/// principal's and the server's names, the purpose, and for what belongs to a session its id, are authenticated with it: an id that somebody else got hold of, or that is
/// taken to another server, does not open, exactly as one that never existed. Nothing is kept per session, so any
/// worker (and any replica with the same key) can take any request.
@safe
struct SessionSealer: ~Copyable {
  static var keyBytes: Int { 32 }
  private static var nonceBytes: Int { 12 }
  private static var tagBytes: Int { 16 }
  /// The longest that is sealed: an event's id with the JSON-RPC id of its request.
  static var plainBytesMax: Int { 2 * ShortText.bytesMax }
  static var sealedBytesMax: Int { sealedBytes(plainBytesMax) }
  /// The longest state: what servers give their clients to bring back.
  static var stateBytesMax: Int { 16 << 10 }

  /// Bytes of what so many become.
  static func sealedBytes(_ count: Int) -> Int { (count + nonceBytes + tagBytes + 2) / 3 * 4 }

  /// Where the cipher may write what there is none of.
  private static var spareAt: Int { nonceBytes + stateBytesMax + tagBytes + 16 }

  private let context: OpaquePointer
  private let key: [UInt8]
  private let buffer: UnsafeMutablePointer<UInt8>

  /// - Parameter key: 32 random bytes, the same in every worker.
  init(key: [UInt8]) {
    precondition(key.count == SessionSealer.keyBytes)
    self.key = key
    unsafe context = EVP_CIPHER_CTX_new()
    unsafe buffer = .allocate(capacity: SessionSealer.spareAt + 32)
    // The cipher is looked up once; later calls only set key and nonce.
    let ready = unsafe EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, nil, nil, 1)
    precondition(ready == 1, "AES-256-GCM is not available")
  }

  deinit {
    unsafe EVP_CIPHER_CTX_free(context)
    unsafe buffer.deallocate()
  }

  /// A new random key for one process.
  static func makeKey() -> [UInt8] {
    var key = [UInt8](repeating: 0, count: keyBytes)
    let done = unsafe key.withUnsafeMutableBufferPointer {
      unsafe RAND_bytes($0.baseAddress, Int32($0.count))
    }
    precondition(done == 1, "the system has no random numbers")
    return key
  }

  /// The key of `CallMark`, which follows from the sealer's: the same wherever that is the same.
  func markKey() -> (UInt64, UInt64) {
    var digest = InlineArray<32, UInt8>(repeating: 0)
    var written = 0
    let name: StaticString = "sluice call mark 1"
    var span = digest.mutableSpan
    let done = unsafe span.withUnsafeMutableBufferPointer { digest in
      unsafe EVP_Q_mac(
        nil, "HMAC", nil, "SHA256", nil, key, key.count, name.utf8Start, name.utf8CodeUnitCount,
        digest.baseAddress, digest.count, &written) != nil
    }
    precondition(done && written == 32, "HMAC-SHA-256 is not available")
    func word(_ start: Int) -> UInt64 {
      (0..<8).reduce(UInt64(0)) { $0 << 8 | UInt64(digest[start + $1]) }
    }
    return (word(0), word(8))
  }

  /// Seals `plain`; returns how many bytes were written to `target` (of at least `sealedBytes` of its length), or nil when
  /// `plain` is empty or too long.
  mutating func seal(
    _ plain: RawSpan, for purpose: SealPurpose, principal: RawSpan, server: RawSpan,
    session: RawSpan = RawSpan(), into target: UnsafeMutableRawPointer
  ) -> Int? {
    let count = plain.byteCount
    guard count > 0, count <= purpose.plainBytesMax else { return nil }
    guard
      purpose.isStable
        ? deriveNonce(plain, purpose, principal, server, session)
        : unsafe RAND_bytes(buffer, Int32(SessionSealer.nonceBytes)) == 1
    else { return nil }
    let sealed = unsafe buffer + SessionSealer.nonceBytes
    guard begin(encrypting: true, purpose, principal, server, session),
      unsafe update(plain, into: sealed), finish(),
      unsafe EVP_CIPHER_CTX_ctrl(
        context, EVP_CTRL_GCM_GET_TAG, Int32(SessionSealer.tagBytes), sealed + count) == 1
    else { return nil }
    return unsafe Base64URL.encode(
      buffer, count: SessionSealer.nonceBytes + count + SessionSealer.tagBytes, into: target)
  }

  /// Opens a sealed id; returns how many bytes were written to `target` (of at least `plainBytesMax`, or as many as `text`
  /// has), or nil when it was not sealed here for this principal and server.
  mutating func open(
    _ text: RawSpan, for purpose: SealPurpose, principal: RawSpan, server: RawSpan,
    session: RawSpan = RawSpan(), into target: UnsafeMutableRawPointer
  ) -> Int? {
    guard text.byteCount <= SessionSealer.sealedBytes(purpose.plainBytesMax),
      let total = unsafe Base64URL.decode(text, into: buffer)
    else { return nil }
    let count = total - SessionSealer.nonceBytes - SessionSealer.tagBytes
    guard count > 0 else { return nil }
    let sealed = unsafe buffer + SessionSealer.nonceBytes
    guard begin(encrypting: false, purpose, principal, server, session) else { return nil }
    let cipher = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(sealed), byteCount: count)
    guard
      unsafe update(cipher, into: target.assumingMemoryBound(to: UInt8.self)),
      unsafe EVP_CIPHER_CTX_ctrl(
        context, EVP_CTRL_GCM_SET_TAG, Int32(SessionSealer.tagBytes), sealed + count) == 1,
      finish()
    else { return nil }
    return count
  }

  private mutating func begin(
    encrypting: Bool, _ purpose: SealPurpose, _ principal: RawSpan, _ server: RawSpan,
    _ session: RawSpan
  ) -> Bool {
    let ready = unsafe key.withUnsafeBufferPointer { key in
      unsafe EVP_CipherInit_ex(
        context, nil, nil, key.baseAddress, buffer, encrypting ? 1 : 0)
    }
    guard ready == 1 else { return false }
    let head = SealContext(purpose, principal, server, session).bytes
    return unsafe update(head.span.bytes, into: nil) && update(principal, into: nil)
      && update(server, into: nil) && update(session, into: nil)
  }

  /// A nonce that follows from what is sealed, so that the same becomes the same: HMAC-SHA-256 under the key, cut to the
  /// nonce's length (a synthetic initialisation vector, as in RFC 5297). Two texts never share one by design.
  private mutating func deriveNonce(
    _ plain: RawSpan, _ purpose: SealPurpose, _ principal: RawSpan, _ server: RawSpan,
    _ session: RawSpan
  ) -> Bool {
    let head = SealContext(purpose, principal, server, session).bytes
    let count =
      head.count + principal.byteCount + server.byteCount + session.byteCount
      + plain.byteCount
    var digest = InlineArray<32, UInt8>(repeating: 0)
    var written = 0
    let done = unsafe withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { memory in
      var text = unsafe ByteWriter(unsafeInto: memory.baseAddress!, capacity: count)
      unsafe text.append(head.span.bytes)
      text.append(principal)
      text.append(server)
      text.append(session)
      text.append(plain)
      precondition(text.count == count)
      var span = digest.mutableSpan
      return unsafe span.withUnsafeMutableBufferPointer { digest in
        unsafe EVP_Q_mac(
          nil, "HMAC", nil, "SHA256", nil, key, key.count,
          memory.baseAddress!.assumingMemoryBound(to: UInt8.self), count, digest.baseAddress,
          digest.count, &written) != nil
      }
    }
    guard done, written == 32 else { return false }
    for index in 0..<SessionSealer.nonceBytes { unsafe buffer[index] = digest[index] }
    return true
  }

  /// Feeds bytes to the cipher; without a target they are only authenticated.
  private mutating func update(
    _ bytes: RawSpan, into target: UnsafeMutablePointer<UInt8>?
  ) -> Bool {
    guard bytes.byteCount > 0 else { return true }
    var written: Int32 = 0
    return unsafe bytes.withUnsafeBytes { source in
      unsafe EVP_CipherUpdate(
        context, target, &written,
        source.baseAddress!.assumingMemoryBound(to: UInt8.self), Int32(source.count)) == 1
    }
  }

  private mutating func finish() -> Bool {
    var written: Int32 = 0
    return unsafe EVP_CipherFinal_ex(context, buffer + SessionSealer.spareAt, &written) == 1
  }
}

/// What is authenticated before the names: the purpose, and their lengths, so that no two sets of names run together to the
/// same bytes.
private struct SealContext {
  var bytes = InlineArray<7, UInt8>(repeating: 0)

  init(_ purpose: SealPurpose, _ principal: RawSpan, _ server: RawSpan, _ session: RawSpan) {
    bytes[0] = purpose.rawValue
    bytes[1] = UInt8(truncatingIfNeeded: principal.byteCount >> 8)
    bytes[2] = UInt8(truncatingIfNeeded: principal.byteCount)
    bytes[3] = UInt8(truncatingIfNeeded: server.byteCount >> 8)
    bytes[4] = UInt8(truncatingIfNeeded: server.byteCount)
    bytes[5] = UInt8(truncatingIfNeeded: session.byteCount >> 8)
    bytes[6] = UInt8(truncatingIfNeeded: session.byteCount)
  }
}
