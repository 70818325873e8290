import COpenSSL

/// A non-human caller that proves itself with an API key.
///
/// Only the key's SHA-256 is ever held: whoever reads the configuration or a core dump cannot call
/// with it. A plain hash, without salt or stretching, is enough because a key is 256 random bits
/// (`APIKey.generate`), not a password.
public struct ServiceAccount: Sendable, Equatable {
  /// Unique among the service accounts; what records and rules call this caller.
  public var name: String
  /// The SHA-256 of the API key, 32 bytes.
  public var keyDigest: [UInt8]
  /// The groups the caller belongs to, which decide which profiles it gets.
  public var groups: [String]

  public init(name: String, keyDigest: [UInt8], groups: [String]) {
    self.name = name
    self.keyDigest = keyDigest
    self.groups = groups
  }
}

/// The caller that stands for every request without a credential, where the configuration allows
/// such a thing.
public struct AnonymousPrincipal: Sendable, Equatable {
  public var groups: [String]

  public init(groups: [String]) {
    self.groups = groups
  }
}

/// Why a set of identities cannot be used.
public enum IdentityError: Error, Equatable, Sendable {
  /// The digest is not 32 bytes long.
  case digestLength(account: String, bytes: Int)
  case duplicateName(String)
  /// Two accounts share one key, so a call could not be told to be the one's or the other's.
  case duplicateKey(String, String)
  case tooManyAccounts(Int)
  case tooManyProviders(Int)
}

/// Everybody who may call, as one immutable table that all workers read at once.
///
/// A principal is an index: service accounts in the order given, then, if there is one, the
/// anonymous principal. The index finds the caller's row here and in the policy's own tables, which
/// are built from the same order.
///
/// Layout, for three accounts (digests abbreviated to their first 8 bytes, here one hex digit
/// each):
///
///     digests:  | account 0: a… | account 1: 6… | account 2: 2… |          32 bytes each
///     slots:    | 2:#2 | – | – | – | – | – | 6:#1 | – | a:#0 | … |         power of two, at least 4 per account
///
/// A digest's first 8 bytes are uniformly distributed already and serve as the hash; collisions
/// probe the next slot. Nobody outside can choose digests (they would have to invert SHA-256), so
/// probe chains stay short.
@safe
public final class IdentitySnapshot: Sendable {
  /// One place of the open-addressing table.
  struct Slot: BitwiseCopyable {
    /// The first 8 bytes of the digest, as they lie in memory.
    var prefix: UInt64
    /// Index of the account, or `Slot.vacant`.
    var account: UInt32

    static var vacant: UInt32 { .max }
  }

  static var digestBytes: Int { 32 }
  /// More service accounts than any organisation has, and few enough for 32-bit arithmetic
  /// everywhere.
  public static let accountsMax = 1 << 20

  /// The service accounts, in the order of their indices. For set-up and for people, not for the
  /// hot path.
  public let accounts: [ServiceAccount]
  /// The anonymous principal, if requests without a credential are let in.
  public let anonymous: AnonymousPrincipal?
  /// Index of the anonymous principal, or nil.
  public let anonymousIndex: UInt32?

  /// The identity providers whose tokens are accepted.
  public let providers: [IdentityProvider]
  /// The keys of each, nil while none were fetched.
  public let keySets: [KeySet?]
  /// Where workers say that a token named a key that is not here.
  public let demand: KeyDemand
  let trustsProviders: Bool

  private nonisolated(unsafe) let slots: UnsafeMutableBufferPointer<Slot>
  private nonisolated(unsafe) let digests: UnsafeMutableBufferPointer<UInt8>
  private let slotMask: UInt64

  /// Builds the table.
  /// - Throws: `IdentityError` when two accounts share a name or a key, or a digest has not 32
  ///   bytes.
  public convenience init(
    accounts: [ServiceAccount], anonymous: AnonymousPrincipal?, providers: [IdentityProvider] = []
  ) throws(IdentityError) {
    try Self.validate(accounts)
    guard providers.count <= KeyDemand.providersMax else {
      throw .tooManyProviders(providers.count)
    }
    self.init(
      valid: accounts, anonymous: anonymous, providers: providers,
      keySets: Array(repeating: nil, count: providers.count), demand: KeyDemand())
  }

  /// The same identities with the providers' current keys, in the providers' order.
  /// - Parameter demand: where to ask for keys; nil for where it was.
  public func with(keySets: [KeySet?], demand: KeyDemand? = nil) -> IdentitySnapshot {
    precondition(keySets.count == providers.count)
    return IdentitySnapshot(
      valid: accounts, anonymous: anonymous, providers: providers, keySets: keySets,
      demand: demand ?? self.demand)
  }

  private init(
    valid accounts: [ServiceAccount], anonymous: AnonymousPrincipal?,
    providers: [IdentityProvider], keySets: [KeySet?], demand: KeyDemand
  ) {
    self.accounts = accounts
    self.providers = providers
    self.keySets = keySets
    self.demand = demand
    trustsProviders = !providers.isEmpty
    self.anonymous = anonymous
    self.anonymousIndex = anonymous == nil ? nil : UInt32(accounts.count)

    var slotCount = 4
    while slotCount < accounts.count * 4 { slotCount *= 2 }
    slotMask = UInt64(slotCount - 1)
    unsafe slots = .allocate(capacity: slotCount)
    unsafe slots.initialize(repeating: Slot(prefix: 0, account: Slot.vacant))
    unsafe digests = .allocate(capacity: max(1, accounts.count * Self.digestBytes))
    unsafe digests.initialize(repeating: 0)
    for (index, account) in accounts.enumerated() {
      for (byte, value) in account.keyDigest.enumerated() {
        unsafe digests[index * Self.digestBytes + byte] = value
      }
      insert(UInt32(index))
    }
  }

  deinit {
    unsafe slots.deallocate()
    unsafe digests.deallocate()
  }

  private static func validate(_ accounts: [ServiceAccount]) throws(IdentityError) {
    guard accounts.count <= accountsMax else { throw .tooManyAccounts(accounts.count) }
    var names: Set<String> = []
    var owners: [[UInt8]: String] = [:]
    for account in accounts {
      guard account.keyDigest.count == digestBytes else {
        throw .digestLength(account: account.name, bytes: account.keyDigest.count)
      }
      guard names.insert(account.name).inserted else { throw .duplicateName(account.name) }
      if let other = owners.updateValue(account.name, forKey: account.keyDigest) {
        throw .duplicateKey(other, account.name)
      }
    }
  }

  private func insert(_ account: UInt32) {
    let prefix = unsafe Self.prefix(digests.baseAddress! + Int(account) * Self.digestBytes)
    var place = prefix & slotMask
    while unsafe slots[Int(place)].account != Slot.vacant {
      place = (place &+ 1) & slotMask
    }
    unsafe slots[Int(place)] = Slot(prefix: prefix, account: account)
  }

  private static func prefix(_ digest: UnsafePointer<UInt8>) -> UInt64 {
    unsafe UnsafeRawPointer(digest).loadUnaligned(as: UInt64.self)
  }

  /// The account whose key has this digest, or nil.
  ///
  /// The lookup by prefix takes a time that depends on the digest, which tells an attacker nothing
  /// useful about a key; the decision itself is a comparison of all 32 bytes in constant time.
  /// - Parameter digest: 32 readable bytes.
  func account(unsafeDigest digest: UnsafePointer<UInt8>) -> UInt32? {
    let prefix = unsafe Self.prefix(digest)
    var place = prefix & slotMask
    // At most a quarter of the slots is taken, so a vacant one ends the loop.
    while true {
      let slot = unsafe slots[Int(truncatingIfNeeded: place)]
      if slot.account == Slot.vacant { return nil }
      if slot.prefix == prefix {
        let candidate = unsafe digests.baseAddress! + Int(slot.account) &* Self.digestBytes
        if unsafe CRYPTO_memcmp(candidate, digest, Self.digestBytes) == 0 { return slot.account }
      }
      place = (place &+ 1) & slotMask
    }
  }
}

extension IdentitySnapshot {
  /// How many principals there are: every index below this is valid.
  public var principalCount: Int { accounts.count + (anonymous == nil ? 0 : 1) }

  /// What records call the anonymous principal. A service account cannot have this name.
  public static let anonymousName = "anonymous"

  /// The name of a principal. For set-up, logs and people.
  public func name(of principal: UInt32) -> String {
    Int(principal) < accounts.count ? accounts[Int(principal)].name : Self.anonymousName
  }

  /// The groups of a principal. For set-up, logs and people.
  public func groups(of principal: UInt32) -> [String] {
    Int(principal) < accounts.count ? accounts[Int(principal)].groups : anonymous?.groups ?? []
  }
}
