internal import COpenSSL
public import Policy

/// The principals of tokens that one worker has verified, by the token's SHA-256: what makes a token's second use cost a hash
/// and a look-up instead of a signature check.
///
/// A principal is handed out as a reference, `PrincipalTable.tag` and more, so that it can stand where the index of a service
/// account does. Whoever keeps a reference beyond the moment retains it: an entry that is in use stays readable, whatever
/// happens to its token, and is only ever reused when nobody uses it. Nothing is allocated after the first token.
///
///     buckets:  | – | 5 | – | 2 | …           by the digest's first bytes; 2^15
///     entries:  … 2: digest, server, expiry, users, principal, name, next → 7 …
///
/// Entries are found only by their own server (unless the token is for all), only until the token expires or `keptTime` has
/// passed, and not after `forgetAll`, which a new policy or key set calls for.
@safe
public struct PrincipalTable: ~Copyable {
  /// Tokens remembered by one worker. When there are more, those not used lately go.
  public static var capacity: Int { 16384 }
  /// References begin here: above every index of an `IdentitySnapshot`.
  public static var tag: UInt32 { 1 << 30 }
  /// How long a token is believed without looking again, in nanoseconds: ten minutes. The wall clock may be set meanwhile.
  public static var keptTime: UInt64 { 600_000_000_000 }
  /// A server's place that stands for all servers.
  public static var everyServer: Int32 { -1 }

  private static var bucketCount: Int { 32768 }
  private static var none: UInt32 { .max }

  struct Entry: BitwiseCopyable {
    var digest: InlineArray<32, UInt8>
    var identity: InlineArray<32, UInt8>
    var person: InlineArray<32, UInt8>
    var principal: Principal
    /// When it is no longer believed without looking, and when the token itself expires.
    var expires: UInt64
    var tokenExpiry: UInt64
    var server: Int32
    var users: UInt32 = 0
    var next: UInt32
    /// Whether it can be found; one that cannot is only kept for its users.
    var isListed = true
    /// Used since the hand that looks for room came by.
    var isRecent = true
    var nameCount: UInt16
    var name: InlineArray<256, UInt8>
  }

  // Allocated with the first token: most gateways without single sign-on never need them.
  private var buckets: UnsafeMutablePointer<UInt32>?
  private var entries: UnsafeMutablePointer<Entry>?
  private var highWater = 0
  private var free: UInt32 = PrincipalTable.none
  private var hand = 0
  /// Entries that can be found.
  public private(set) var count = 0

  public init() {
    unsafe buckets = nil
    unsafe entries = nil
  }

  deinit {
    unsafe buckets?.deallocate()
    unsafe entries?.deallocate()
  }

  public static func isReference(_ principal: UInt32) -> Bool {
    principal >= tag && principal != .max
  }

  // MARK: Finding

  /// The reference of a token's principal. Costs one comparison in constant time for each token in the same bucket.
  public mutating func find(
    _ digest: InlineArray<32, UInt8>, server: Int32, now: UInt64
  ) -> UInt32? {
    guard let buckets = unsafe buckets, let entries = unsafe entries else { return nil }
    var number = unsafe buckets[PrincipalTable.bucket(digest)]
    while number != PrincipalTable.none {
      let entry = unsafe entries + Int(number)
      if unsafe entry.pointee.server == server
        || entry.pointee.server == PrincipalTable.everyServer,
        unsafe PrincipalTable.isEqual(entry.pointee.digest, digest)
      {
        guard unsafe now < entry.pointee.expires else {
          unlist(number)
          return nil
        }
        unsafe entry.pointee.isRecent = true
        return PrincipalTable.tag &+ number
      }
      number = unsafe entry.pointee.next
    }
    return nil
  }

  // MARK: Adding

  /// Remembers a verified token. Nil when every entry is in use, or the name is too long.
  /// - Parameters:
  ///   - now: on the clock that `find` is given.
  ///   - tokenExpiry: on the same clock.
  ///   - identity: 32 bytes.
  ///   - person: 32 bytes.
  public mutating func insert(
    _ digest: InlineArray<32, UInt8>, server: Int32, now: UInt64, tokenExpiry: UInt64,
    principal: Principal, identity: [UInt8], person: [UInt8], name: String
  ) -> UInt32? {
    precondition(identity.count == 32 && person.count == 32)
    guard name.utf8.count <= IdentityProvider.nameBytesMax else { return nil }
    allocate()
    guard let number = takeEntry(), let entries = unsafe entries, let buckets = unsafe buckets
    else { return nil }
    let bucket = PrincipalTable.bucket(digest)
    var entry = unsafe Entry(
      digest: digest, identity: InlineArray(repeating: 0),
      person: InlineArray(repeating: 0), principal: principal,
      expires: min(tokenExpiry, now &+ PrincipalTable.keptTime), tokenExpiry: tokenExpiry,
      server: server, next: buckets[bucket],
      nameCount: UInt16(name.utf8.count), name: InlineArray(repeating: 0))
    for (offset, byte) in identity.enumerated() { entry.identity[offset] = byte }
    for (offset, byte) in person.enumerated() { entry.person[offset] = byte }
    for (offset, byte) in name.utf8.enumerated() { entry.name[offset] = byte }
    unsafe (entries + Int(number)).initialize(to: entry)
    unsafe buckets[bucket] = number
    count &+= 1
    return PrincipalTable.tag &+ number
  }

  private mutating func allocate() {
    guard unsafe buckets == nil else { return }
    let made = UnsafeMutablePointer<UInt32>.allocate(capacity: PrincipalTable.bucketCount)
    unsafe made.initialize(repeating: PrincipalTable.none, count: PrincipalTable.bucketCount)
    unsafe buckets = made
    // Pages are touched as entries come into use.
    unsafe entries = .allocate(capacity: PrincipalTable.capacity)
  }

  private mutating func takeEntry() -> UInt32? {
    if free != PrincipalTable.none, let entries = unsafe entries {
      let number = free
      free = unsafe entries[Int(number)].next
      return number
    }
    if highWater < PrincipalTable.capacity {
      highWater &+= 1
      return UInt32(highWater &- 1)
    }
    return evict()
  }

  /// Second chance: the hand passes over what was used since its last round, once, and takes what was not.
  private mutating func evict() -> UInt32? {
    guard let entries = unsafe entries else { return nil }
    for _ in 0..<(2 * PrincipalTable.capacity) {
      let number = hand
      hand = hand &+ 1 == PrincipalTable.capacity ? 0 : hand &+ 1
      let entry = unsafe entries + number
      guard unsafe entry.pointee.users == 0 else { continue }
      if unsafe entry.pointee.isRecent {
        unsafe entry.pointee.isRecent = false
        continue
      }
      unlist(UInt32(number))
      // Unlisting put it on the free list, as its newest.
      free = unsafe entry.pointee.next
      return UInt32(number)
    }
    return nil
  }

  // MARK: Forgetting

  /// No token is known any more; entries in use stay readable for their users.
  public mutating func forgetAll() {
    guard count > 0, let entries = unsafe entries, let buckets = unsafe buckets else { return }
    unsafe buckets.update(repeating: PrincipalTable.none, count: PrincipalTable.bucketCount)
    for number in 0..<highWater where unsafe entries[number].isListed {
      unsafe entries[number].isListed = false
      if unsafe entries[number].users == 0 { release(entry: UInt32(number)) }
    }
    count = 0
  }

  /// Takes an entry out of its bucket, and frees it when nobody uses it.
  private mutating func unlist(_ number: UInt32) {
    guard let entries = unsafe entries, let buckets = unsafe buckets,
      unsafe entries[Int(number)].isListed
    else { return }
    let bucket = unsafe PrincipalTable.bucket(entries[Int(number)].digest)
    var place = unsafe buckets + bucket
    while unsafe place.pointee != number {
      let next = unsafe entries + Int(place.pointee)
      unsafe place = PrincipalTable.nextField(of: next)
    }
    unsafe place.pointee = entries[Int(number)].next
    unsafe entries[Int(number)].isListed = false
    count &-= 1
    if unsafe entries[Int(number)].users == 0 { release(entry: number) }
  }

  private static func nextField(
    of entry: UnsafeMutablePointer<Entry>
  ) -> UnsafeMutablePointer<UInt32> {
    unsafe (UnsafeMutableRawPointer(entry) + MemoryLayout<Entry>.offset(of: \.next)!)
      .assumingMemoryBound(to: UInt32.self)
  }

  private mutating func release(entry number: UInt32) {
    guard let entries = unsafe entries else { return }
    unsafe entries[Int(number)].next = free
    free = number
  }

  // MARK: Using

  public mutating func retain(_ reference: UInt32) {
    unsafe entry(reference).pointee.users &+= 1
  }

  /// One user less; the last frees an entry that can no longer be found.
  public mutating func release(_ reference: UInt32) {
    let entry = unsafe entry(reference)
    precondition(unsafe entry.pointee.users > 0, "a principal that nobody uses")
    unsafe entry.pointee.users &-= 1
    if unsafe entry.pointee.users == 0 && !entry.pointee.isListed {
      release(entry: reference &- PrincipalTable.tag)
    }
  }

  /// When the token expires that the principal was made of.
  public func tokenExpiry(_ reference: UInt32) -> UInt64 {
    unsafe entry(reference).pointee.tokenExpiry
  }

  public func principal(_ reference: UInt32) -> Principal {
    unsafe entry(reference).pointee.principal
  }

  /// The principal's name. Valid as long as the reference is retained.
  @_lifetime(immortal)
  public func name(_ reference: UInt32) -> RawSpan {
    let entry = unsafe entry(reference)
    let start = unsafe UnsafeRawPointer(entry) + MemoryLayout<Entry>.offset(of: \.name)!
    let span = unsafe RawSpan(_unsafeStart: start, byteCount: Int(entry.pointee.nameCount))
    return unsafe _overrideLifetime(span, copying: ())
  }

  /// What sessions are bound to: 32 bytes, the same for every token of the same subject and client.
  @_lifetime(immortal)
  public func identity(_ reference: UInt32) -> RawSpan {
    digest(reference, at: MemoryLayout<Entry>.offset(of: \.identity)!)
  }

  /// Who it is: 32 bytes, the same for every token of the same subject, whichever client has it.
  @_lifetime(immortal)
  public func person(_ reference: UInt32) -> RawSpan {
    digest(reference, at: MemoryLayout<Entry>.offset(of: \.person)!)
  }

  @_lifetime(immortal)
  private func digest(_ reference: UInt32, at offset: Int) -> RawSpan {
    let start = unsafe UnsafeRawPointer(entry(reference)) + offset
    let span = unsafe RawSpan(_unsafeStart: start, byteCount: 32)
    return unsafe _overrideLifetime(span, copying: ())
  }

  private func entry(_ reference: UInt32) -> UnsafeMutablePointer<Entry> {
    let number = Int(reference &- PrincipalTable.tag)
    guard let entries = unsafe entries, number < highWater else {
      preconditionFailure("no reference to a principal")
    }
    return unsafe entries + number
  }

  private static func bucket(_ digest: InlineArray<32, UInt8>) -> Int {
    (Int(digest[0]) << 8 | Int(digest[1])) & (bucketCount - 1)
  }

  private static func isEqual(
    _ left: InlineArray<32, UInt8>, _ right: InlineArray<32, UInt8>
  ) -> Bool {
    unsafe left.span.withUnsafeBufferPointer { left in
      unsafe right.span.withUnsafeBufferPointer { right in
        unsafe CRYPTO_memcmp(left.baseAddress!, right.baseAddress!, 32) == 0
      }
    }
  }
}
