internal import Synchronization

/// How workers tell the control plane that a token named a key they do not have: one bit per provider, set without
/// waiting. Whoever fetches keys looks at it now and then, and decides how often a fetch may happen: nobody can make the
/// gateway ask a provider more often by sending tokens.
public final class KeyDemand: Sendable {
  /// Providers that can be told apart, and so the most there can be.
  public static let providersMax = 64

  private let wanted = Atomic<UInt64>(0)
  private let answered = Atomic<UInt64>(0)

  public init() {}

  public func want(provider: Int) {
    precondition(provider >= 0 && provider < KeyDemand.providersMax)
    wanted.bitwiseOr(1 << UInt64(provider), ordering: .relaxed)
  }

  /// How often everything that was wanted of a provider had been fetched. Whoever waits for a key and finds that this has
  /// changed waits no longer: the key is in force by now, or is not published.
  public var answers: UInt64 { answered.load(ordering: .acquiring) }

  /// Everything that was wanted of some provider has been fetched and put in force, or could not be had.
  public func answer() { answered.add(1, ordering: .releasing) }

  /// The providers that were wanted since the last time, which are forgotten.
  public func take() -> [Int] {
    guard wanted.load(ordering: .relaxed) != 0 else { return [] }
    let bits = wanted.exchange(0, ordering: .relaxed)
    return (0..<KeyDemand.providersMax).filter { bits >> UInt64($0) & 1 == 1 }
  }
}
