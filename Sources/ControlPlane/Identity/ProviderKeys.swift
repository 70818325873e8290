public import Identity
public import Logging
internal import Outbound

/// An identity provider, and how its keys are fetched.
public struct ProviderSettings: Sendable, Equatable {
  public var provider: IdentityProvider
  /// Seconds between two fetches.
  public var refreshSeconds: Double
  /// Certificate authorities instead of the system's, in PEM form.
  public var authorities: [UInt8]?

  public init(provider: IdentityProvider, refreshSeconds: Double, authorities: [UInt8]? = nil) {
    self.provider = provider
    self.refreshSeconds = refreshSeconds
    self.authorities = authorities
  }
}

/// How it stands with one provider: for health, metrics and people.
public struct ProviderStatus: Sendable, Equatable {
  public var name: String
  public var issuer: String
  /// The `kid`s in force; empty while no keys were fetched, when its tokens are answered with 503.
  public var keyIdentifiers: [String]
  /// Why the last fetch failed; nil when it did not.
  public var problem: String?
  /// Fetches since the start.
  public var fetches: Int
}

/// Keeps the providers' signing keys: fetches them at the start, on a schedule, and when a worker met a key it does not have,
/// and hands them on as immutable sets.
///
/// A provider that cannot be reached stops nothing: its old keys stay in force (and a token signed with another one is refused),
/// service accounts call as before, and the log and `status` say what is wrong.
public actor ProviderKeys {
  private struct Entry {
    let settings: ProviderSettings
    var schedule: FetchSchedule
    var keysURL: String?
    var keys: KeySet?
    var problem: String?
    var fetches = 0
  }

  nonisolated let settings: [ProviderSettings]
  /// Where workers ask for keys they do not have.
  nonisolated let demand = KeyDemand()
  private var entries: [Entry]
  private let logger: Logger
  private let get: ProviderDiscovery.Get
  private var notify: @Sendable () -> Void = {}
  /// Whether keys have changed since they were last asked for.
  private var hasNews = false
  private var worker: Task<Void, Never>?
  private let clock = ContinuousClock()
  private let began: ContinuousClock.Instant

  /// How often it is looked whether a worker wants keys.
  private static let lookInterval = Duration.milliseconds(200)

  /// - Parameters:
  ///   - providers: in the order of the snapshot's.
  public init(_ providers: [ProviderSettings], logger: Logger) {
    self.init(providers, logger: logger, get: ProviderKeys.outbound)
  }

  init(
    _ providers: [ProviderSettings], logger: Logger, get: @escaping ProviderDiscovery.Get
  ) {
    entries = providers.map {
      Entry(settings: $0, schedule: FetchSchedule(refresh: $0.refreshSeconds))
    }
    settings = providers
    self.logger = logger
    self.get = get
    began = clock.now
  }

  private static let outbound: ProviderDiscovery.Get = { url, authorities throws(OutboundError) in
    var request = OutboundRequest(url: url)
    request.fields = [("Accept", "application/json")]
    request.authorities = authorities
    return try await request.exchange()
  }

  /// The keys in force, in the providers' order.
  public var keySets: [KeySet?] {
    hasNews = false
    return entries.map(\.keys)
  }

  public var status: [ProviderStatus] {
    entries.map { entry in
      ProviderStatus(
        name: entry.settings.provider.name, issuer: entry.settings.provider.issuer,
        keyIdentifiers: entry.keys?.identifiers ?? [], problem: entry.problem,
        fetches: entry.fetches)
    }
  }

  /// Begins to keep the keys. Returns when every provider was asked once, or after `patience`: a start waits for providers,
  /// but not for ever.
  public func start(patience: Duration = .seconds(5)) async {
    guard worker == nil, !entries.isEmpty else { return }
    worker = Task { [weak self] in
      while !Task.isCancelled {
        guard let self else { return }
        await self.look()
        try? await Task.sleep(for: ProviderKeys.lookInterval)
      }
    }
    let deadline = clock.now + patience
    while clock.now < deadline, entries.contains(where: { $0.keys == nil && $0.problem == nil }) {
      try? await Task.sleep(for: .milliseconds(20))
    }
  }

  /// From now on, tells whenever a set has changed since `keySets` was read last: at once if one has.
  public func deliver(to receiver: @escaping @Sendable () -> Void) {
    notify = receiver
    if hasNews { notify() }
  }

  /// Takes over the keys of providers that stay as they are.
  func inherit(from older: ProviderKeys) async {
    let known = await older.entries
    for number in entries.indices {
      guard let same = known.first(where: { $0.settings == entries[number].settings }) else {
        continue
      }
      entries[number].keys = same.keys
      entries[number].keysURL = same.keysURL
    }
  }

  public func stop() {
    worker?.cancel()
    worker = nil
  }

  private var now: Double {
    let passed = (clock.now - began).components
    return Double(passed.seconds) + Double(passed.attoseconds) / 1e18
  }

  /// Begins the fetches that are due; each runs by itself, so that a slow provider holds up no other.
  private func look() {
    takeDemand()
    for number in entries.indices where entries[number].schedule.isDue(now: now) {
      entries[number].schedule.begin(now: now)
      Task { await fetch(number) }
    }
  }

  /// Fetches one provider's keys and puts them in force when they are others.
  func fetch(_ number: Int) async {
    let settings = entries[number].settings
    let discovery = ProviderDiscovery(
      issuer: settings.provider.issuer, authorities: settings.authorities, get: get)
    entries[number].fetches += 1
    do throws(ProviderError) {
      let url: String
      if let known = entries[number].keysURL {
        url = known
      } else {
        url = try await discovery.keysURL()
      }
      let json: [UInt8]
      do throws(ProviderError) {
        json = try await discovery.json(url)
      } catch {
        // It may have moved: next time the discovery document is read again.
        entries[number].keysURL = nil
        throw ProviderError("\(url): \(error)")
      }
      let keys: KeySet
      do throws(KeySetError) {
        keys = try await KeySet(json: json, algorithms: settings.provider.algorithms)
      } catch {
        throw ProviderError("\(url): \(error)")
      }
      entries[number].keysURL = url
      accept(keys, of: number)
    } catch {
      refuse(error, of: number)
    }
    tellWaiting(number)
  }

  /// Tells requests that wait for a key that they wait in vain: the keys are what they were, and nothing is wanted that this
  /// fetch could not have seen. With other keys they go on when those are in force.
  private func tellWaiting(_ number: Int) {
    takeDemand()
    if !entries[number].schedule.isWanted, !hasNews { demand.answer() }
  }

  private func takeDemand() {
    for provider in demand.take() where entries.indices.contains(provider) {
      entries[provider].schedule.want()
    }
  }

  private func accept(_ keys: KeySet, of number: Int) {
    let name = entries[number].settings.provider.name
    let wasFailing = entries[number].problem != nil
    entries[number].schedule.succeeded(now: now, spread: .random(in: 0...1))
    entries[number].problem = nil
    let isOther = entries[number].keys?.fingerprint != keys.fingerprint
    if isOther {
      logger.info(
        "keys of an identity provider are in force",
        metadata: [
          "provider": "\(name)", "issuer": "\(entries[number].settings.provider.issuer)",
          "keys": "\(keys.identifiers.joined(separator: " "))",
        ])
      for reason in keys.skipped {
        logger.debug("a key is not used", metadata: ["provider": "\(name)", "reason": "\(reason)"])
      }
      entries[number].keys = keys
      hasNews = true
      notify()
    } else if wasFailing {
      logger.info("an identity provider answers again", metadata: ["provider": "\(name)"])
    }
  }

  private func refuse(_ error: ProviderError, of number: Int) {
    entries[number].schedule.failed(now: now)
    let isNew = entries[number].problem != error.description
    entries[number].problem = error.description
    let effect =
      entries[number].keys == nil
      ? "its tokens are answered with 503" : "its last keys stay in force"
    // Once per kind of trouble, and not every time that it is tried again.
    if isNew {
      logger.warning(
        "an identity provider's keys cannot be fetched",
        metadata: [
          "provider": "\(entries[number].settings.provider.name)",
          "reason": "\(error)", "effect": "\(effect)",
        ])
    }
  }
}
