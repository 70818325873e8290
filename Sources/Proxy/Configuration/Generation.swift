internal import EventLoop
internal import Identity
internal import Policy
internal import Synchronization

/// One published snapshot in one worker's hands, with the worker's own working memory for it.
///
/// Made off the worker's thread (`WorkerControl.offer`), used by the worker alone, and handed back for destruction when
/// the last exchange that was judged by it has ended: an exchange keeps the policy, the names and the masks it began
/// with, whatever is published meanwhile.
@safe
struct Generation: ~Copyable {
  let snapshot: GatewaySnapshot
  let policy: Pinned<PolicyProgram>
  let identity: Pinned<IdentitySnapshot>
  let masks: Pinned<MaskProgram>
  let texts: Texts
  var scratch: PolicyScratch
  var pools: UpstreamPools
  let counters: LeasedCounters
  /// Exchanges and connections to servers that still refer to it.
  var users = 0
  /// The next in the list of those handed back.
  var nextRetired: UnsafeMutablePointer<Generation>? = nil

  init(_ snapshot: GatewaySnapshot) {
    self.snapshot = snapshot
    policy = Pinned(snapshot.policy)
    identity = Pinned(snapshot.identity)
    masks = Pinned(snapshot.masks)
    texts = snapshot.arena.texts
    scratch = PolicyScratch(for: snapshot.policy)
    pools = UpstreamPools(routes: max(1, snapshot.placeCount))
    counters = LeasedCounters(snapshot.counters)
  }

  static func make(_ snapshot: GatewaySnapshot) -> UnsafeMutablePointer<Generation> {
    let place = UnsafeMutablePointer<Generation>.allocate(capacity: 1)
    unsafe place.initialize(to: Generation(snapshot))
    return unsafe place
  }

  static func destroy(_ place: UnsafeMutablePointer<Generation>) {
    unsafe place.deinitialize(count: 1)
    unsafe place.deallocate()
  }
}

/// The generations a worker uses: the current one, and older ones whose exchanges are not over.
@safe
struct Generations: ~Copyable {
  /// How many there can be at once; a further one is taken when an older one is over.
  static var countMax: Int { 8 }

  private let places: UnsafeMutablePointer<UnsafeMutablePointer<Generation>?>
  private(set) var current: UInt8 = 0

  init(first: UnsafeMutablePointer<Generation>) {
    unsafe places = .allocate(capacity: Generations.countMax)
    unsafe places.initialize(repeating: nil, count: Generations.countMax)
    unsafe places[0] = first
  }

  deinit {
    for number in 0..<Generations.countMax {
      if let place = unsafe places[number] { unsafe Generation.destroy(place) }
    }
    unsafe places.deallocate()
  }

  /// One that is in use. As with a slab, writing does not need the table to be mutable.
  subscript(number: UInt8) -> Generation {
    @inline(__always)
    unsafeAddress { unsafe UnsafePointer(place(number)) }
    @inline(__always)
    nonmutating unsafeMutableAddress { unsafe place(number) }
  }

  @inline(__always)
  private func place(_ number: UInt8) -> UnsafeMutablePointer<Generation> {
    precondition(Int(number) < Generations.countMax)
    guard let place = unsafe places[Int(number)] else {
      preconditionFailure("a generation that is over")
    }
    return unsafe place
  }

  /// A place for a newer one; nil while all are in use.
  func vacant() -> UInt8? {
    for number in 0..<Generations.countMax where unsafe places[number] == nil {
      return UInt8(truncatingIfNeeded: number)
    }
    return nil
  }

  func isUsed(_ number: UInt8) -> Bool { unsafe places[Int(number)] != nil }

  /// Makes another one the current.
  mutating func adopt(_ place: UnsafeMutablePointer<Generation>, at number: UInt8) {
    precondition(unsafe places[Int(number)] == nil)
    unsafe places[Int(number)] = place
    current = number
  }

  /// Takes out one that is no longer used, to be handed back; nil when it still is, or is out already.
  mutating func removeIfOver(_ number: UInt8) -> UnsafeMutablePointer<Generation>? {
    guard number != current, let place = unsafe places[Int(number)],
      unsafe place.pointee.users == 0
    else { return nil }
    unsafe places[Int(number)] = nil
    return unsafe place
  }
}

extension Worker {
  /// Looks whether something newer was published. Called once per turn; costs one load when there is nothing.
  mutating func adoptPublished() {
    guard control.hasOffer, let number = generations.vacant(),
      let place = unsafe control.takeOffer()
    else { return }
    let previous = generations.current
    unsafe generations.adopt(place, at: number)
    parameterSchemas.forgetAll()
    // Principals hold bits of the policy they were made for, and tokens were verified with keys that may be gone.
    let older = generations[previous].snapshot
    let newer = generations[number].snapshot
    if newer.policy !== older.policy || newer.identity !== older.identity { principals.forgetAll() }
    let hasOtherKeys = newer.identity !== older.identity
    if let limits = newer.limits { self.limits.adopt(limits) }
    for slot in 0..<upstreams.highWater where upstreams.isUsed(slot) {
      if upstreams[slot].state == .idle { closeUpstream(slot) }
    }
    // These may last for days: their agents open others, which are judged by what is in force now.
    for slot in 0..<exchanges.highWater where exchanges.isUsed(slot) { endLastingStream(slot) }
    endHoldsOfOtherPolicies(than: generations[number].snapshot.policyRevision)
    retireIfOver(previous)
    if hasOtherKeys { readOnWithOtherKeys() }
  }

  /// Calls that wait were judged by rules that may no longer hold: their agents are told to have them judged again.
  private mutating func endHoldsOfOtherPolicies(than revision: UInt64) {
    guard held.count > 0 else { return }
    for slot in 0..<exchanges.highWater where exchanges.isUsed(slot) {
      guard exchanges[slot].held != .max else { continue }
      let own = generations[exchanges[slot].generation].snapshot.policyRevision
      if own != revision { endHold(slot, .policyChanged) }
    }
  }

  /// One user less; the last of an older generation ends it.
  mutating func leaveGeneration(_ number: UInt8) {
    generations[number].users &-= 1
    retireIfOver(number)
  }

  private mutating func retireIfOver(_ number: UInt8) {
    if let place = unsafe generations.removeIfOver(number) { unsafe control.handBack(place) }
  }

  // MARK: What an exchange was begun with

  func route(of slot: UInt32) -> GatewaySnapshot.Route {
    generations[exchanges[slot].generation].snapshot.route(Int(exchanges[slot].route))
  }

  func principal(of slot: UInt32) -> Principal {
    let principal = exchanges[slot].principal
    if PrincipalTable.isReference(principal) { return principals.principal(principal) }
    return generations[exchanges[slot].generation].snapshot.principal(principal)
  }

  /// Valid as long as the exchange.
  @_lifetime(immortal)
  func principalName(of slot: UInt32) -> RawSpan {
    let principal = exchanges[slot].principal
    if PrincipalTable.isReference(principal) { return principals.name(principal) }
    let generation = exchanges[slot].generation
    let name = generations[generation].snapshot.principalName(principal)
    return generations[generation].texts[name]
  }

  /// What its session is bound to: a service account's name, or the digest of a token's issuer, subject and client, which tells
  /// apart what may share a name. Valid as long as the exchange.
  @_lifetime(immortal)
  func sessionOwner(of slot: UInt32) -> RawSpan {
    let principal = exchanges[slot].principal
    return PrincipalTable.isReference(principal)
      ? principals.identity(principal) : principalName(of: slot)
  }

  /// Who calls, whatever they are called: the digest of a token's issuer and subject; empty for a service account, which is
  /// told apart by its name. Valid as long as the exchange.
  @_lifetime(immortal)
  func person(of slot: UInt32) -> RawSpan {
    let principal = exchanges[slot].principal
    return PrincipalTable.isReference(principal)
      ? principals.person(principal) : unsafe _overrideLifetime(RawSpan(), copying: ())
  }

  /// Valid as long as the exchange.
  @_lifetime(immortal)
  func serverName(of slot: UInt32) -> RawSpan {
    generations[exchanges[slot].generation].texts[route(of: slot).name]
  }
}
