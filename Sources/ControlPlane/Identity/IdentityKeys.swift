import Identity
public import Logging
public import SluiceConfiguration
public import Status
import Synchronization

/// The part that keeps the signing keys of identity providers and puts new ones in force.
///
/// A reload that leaves the providers as they are keeps their keys and their schedule; one that changes them fetches before
/// it is put in force, so that the first token of a new provider finds its key.
public final class IdentityKeys: ServicePart {
  public let name = "identity"

  private struct State {
    var current: ProviderKeys?
    var prepared: ProviderKeys?
    /// What was contributed last, and from what: as long as neither changes, workers keep what they know of tokens.
    var base: IdentitySnapshot?
    var keySets: [KeySet?] = []
    var made: IdentitySnapshot?
  }

  private let state = Mutex(State())
  private let logger: Logger

  public init(logger: Logger) {
    self.logger = logger
  }

  public func report(in status: inout GatewayStatus) async {
    guard let keys = state.withLock({ $0.current }) else { return }
    status.identityProviders = await keys.status.map { known in
      var provider = GatewayStatus.IdentityProvider()
      provider.name = known.name
      provider.issuer = known.issuer
      provider.keys = known.keyIdentifiers.count
      provider.fetches = known.fetches
      provider.problem = known.problem
      return provider
    }
  }

  public func prepare(_ loaded: LoadedConfiguration) async throws(ServiceFailure) {
    let settings = loaded.configuration.identity.oidc.map(ProviderSettings.init)
    let (current, abandoned) = state.withLock { ($0.current, $0.prepared) }
    if let abandoned, abandoned !== current { await abandoned.stop() }
    guard current?.settings != settings else {
      return state.withLock { $0.prepared = $0.current }
    }
    let keys = ProviderKeys(settings, logger: logger)
    if let current { await keys.inherit(from: current) }
    await keys.start()
    state.withLock { $0.prepared = keys }
  }

  public func contribute(to plan: inout ServingPlan, _ loaded: LoadedConfiguration) async {
    let settings = loaded.configuration.identity.oidc.map(ProviderSettings.init)
    let keys = state.withLock { state in
      [state.prepared, state.current].compactMap { $0 }.first { $0.settings == settings }
    }
    guard let keys, !settings.isEmpty else { return }
    let keySets = await keys.keySets
    plan.identities = state.withLock { state in
      let isSame =
        state.base === loaded.identities && state.keySets.count == keySets.count
        && zip(state.keySets, keySets).allSatisfy { $0 === $1 }
      if isSame, let made = state.made { return made }
      let made = loaded.identities.with(keySets: keySets, demand: keys.demand)
      state.base = loaded.identities
      state.keySets = keySets
      state.made = made
      return made
    }
  }

  public func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    let (older, newer) = state.withLock { state in
      defer { state.current = state.prepared }
      return (state.current, state.prepared)
    }
    guard newer !== older else { return }
    await older?.stop()
    await newer?.deliver { [weak service] in
      guard let service else { return }
      Task { await service.republish(because: "keys of an identity provider") }
    }
  }

  public func stop() async {
    let (current, prepared) = state.withLock { ($0.current, $0.prepared) }
    await current?.stop()
    await prepared?.stop()
  }
}

extension ProviderSettings {
  init(_ oidc: OIDCConfiguration) {
    self.init(
      provider: oidc.provider, refreshSeconds: Double(oidc.refreshMilliseconds) / 1000,
      authorities: oidc.authorities?.pem)
  }
}
