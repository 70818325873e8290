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
    compare("limits.response_hold", \.limits.responseHoldBytesMax)
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
    return keys
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
    configuration.limits.responseHoldBytesMax = old.limits.responseHoldBytesMax
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
