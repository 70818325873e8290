import Policy
import SluiceConfiguration

/// What cannot change while the process runs, because threads, sockets and memory were made for it.
extension Configuration {
  /// The keys whose values differ and take effect after a restart only.
  func fixedKeys(differingFrom running: Configuration) -> [String] {
    var keys: [String] = []
    func compare<Value: Equatable>(_ name: String, _ property: KeyPath<Configuration, Value>) {
      if self[keyPath: property] != running[keyPath: property] { keys.append(name) }
    }
    compare("listeners", \.listenerLayout)
    compare("audit", \.audit)
    compare("limits.head_size", \.limits.headBytesMax)
    compare("limits.request_size", \.limits.requestBytesMax)
    compare("limits.response_size", \.limits.responseBytesMax)
    compare("limits.json_depth", \.limits.jsonDepthMax)
    compare("limits.worker_memory", \.limits.workerMemoryBytesMax)
    compare("limits.max_connections", \.limits.connectionsMax)
    compare("limits.held_calls", \.limits.heldCallsMax)
    compare("approvals", \.approvals)
    compare("store", \.store)
    compare("workers", \.workers)
    compare("log", \.log)
    compare("admin", \.admin)
    return keys + fixedConsoleKeys(differingFrom: running)
  }
}

/// The console listens, and people are signed in, under the settings of the start; who may see what changes at once.
extension Configuration {
  private func fixedConsoleKeys(differingFrom running: Configuration) -> [String] {
    guard let console, let old = running.console else {
      return (console == nil) == (running.console == nil) ? [] : ["console"]
    }
    return zip(console.fixedKeys, old.fixedKeys).filter { $0.0.value != $0.1.value }
      .map { "console.\($0.0.key)" }
  }

  fileprivate mutating func keepFixedConsoleKeys(of running: Configuration) {
    guard let newer = console, var kept = running.console else {
      console = running.console
      return
    }
    kept.admins = newer.admins
    kept.auditors = newer.auditors
    kept.keys = newer.keys
    console = kept
  }
}

extension ConsoleConfiguration {
  /// What takes effect after a restart only, each as a text to compare; secrets by their references.
  fileprivate var fixedKeys: [(key: String, value: String)] {
    let openID = login.openID.map {
      "\([$0.issuer, $0.clientID, $0.secretReference ?? "", $0.groupsClaim, $0.nameClaim ?? "", $0.authorities ?? ""] + $0.scopes)"
    }
    let admin = login.localAdmin.map {
      "\([$0.name, $0.hashReference ?? "", $0.passwordHash ?? ""] + $0.groups.map(\.text))"
    }
    return [
      ("address", "\(address)"), ("public_url", publicURL ?? ""),
      ("behind_proxy", "\(isBehindProxy)"), ("login.oidc", openID ?? ""),
      ("login.local_admin", admin ?? ""), ("approve_needs_reason", "\(approvalNeedsReason)"),
      ("session_idle", "\(sessionIdleMilliseconds)"), ("session_max", "\(sessionMilliseconds)"),
    ]
  }
}

extension Configuration {
  /// Where the gateway listens, and where it speaks TLS. With which certificates may change at any time.
  fileprivate var listenerLayout: [String] { listeners.map(\.description) }
}

extension LoadedConfiguration {
  /// Takes the fixed values over from the configuration the process runs with, so that `configuration` says what is in
  /// force.
  /// - Throws: when the rest of the file may not be served with them.
  mutating func keepFixedKeys(of running: LoadedConfiguration) throws(ServiceFailure) {
    let old = running.configuration
    if configuration.listenerLayout != old.listenerLayout {
      configuration.listeners = old.listeners
    }
    configuration.audit = old.audit
    configuration.limits.headBytesMax = old.limits.headBytesMax
    configuration.limits.requestBytesMax = old.limits.requestBytesMax
    configuration.limits.responseBytesMax = old.limits.responseBytesMax
    configuration.limits.jsonDepthMax = old.limits.jsonDepthMax
    configuration.limits.workerMemoryBytesMax = old.limits.workerMemoryBytesMax
    configuration.limits.connectionsMax = old.limits.connectionsMax
    configuration.limits.heldCallsMax = old.limits.heldCallsMax
    configuration.approvals = old.approvals
    configuration.store = old.store
    configuration.workers = old.workers
    configuration.log = old.log
    configuration.admin = old.admin
    configuration.keepFixedConsoleKeys(of: old)
    // The file was checked against its own listeners; those that are open may be others.
    let open = old.listeners.first { !$0.address.isLoopback }
    if let open, configuration.identity.anonymous != nil {
      throw ServiceFailure(
        source.error(
          at: "identity.anonymous",
          "the gateway listens on \(open.address) until it is restarted, which other machines can reach; calls without a "
            + "credential are let in on loopback only"))
    }
  }
}
