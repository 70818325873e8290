import Identity
import Policy

/// What must hold between the sections.
extension Configuration {
  mutating func check(_ reading: inout Reading) {
    checkListeners(&reading)
    checkServiceAccounts(&reading)
    checkServers(&reading)
    checkProviders(&reading)
    checkConsole(&reading)
    checkApprovals(&reading)
    checkAdmin(&reading)
  }

  private func checkApprovals(_ reading: inout Reading) {
    guard store == nil,
      let first = rules.firstIndex(where: { $0.definition.effect == .requireApproval })
    else { return }
    reading.report(
      at: "policies[\(first)].effect",
      "approvals have nowhere to be kept; add store: sqlite:./sluice.db")
  }

  private func checkConsole(_ reading: inout Reading) {
    guard let console else { return }
    if let index = listeners.firstIndex(where: { $0.address.collides(with: console.address) }) {
      reading.report(
        at: "console.address",
        "the same port as listeners[\(index)].address; give the console one of its own")
    }
    let login = console.login
    if login.openID == nil, login.localAdmin == nil, console.keys.isEmpty {
      reading.report(
        at: "console",
        "nobody could sign in: write login: { local_admin: {} } for a first start, or login: { oidc: … }"
      )
    }
    for (index, key) in console.keys.enumerated() {
      let twin = identity.serviceAccounts.first {
        $0.name == key.name || $0.keyDigest == key.keyDigest
      }
      guard let twin else { continue }
      reading.report(
        at: "console.api_keys[\(index)]",
        "the service account \"\(twin.name)\" has this name or key already, and may use the admin API as it is; leave this out"
      )
    }
  }

  private func checkAdmin(_ reading: inout Reading) {
    guard let admin,
      let index = listeners.firstIndex(where: { $0.address.collides(with: admin.address) })
    else { return }
    reading.report(
      at: "admin.address", "the same port as listeners[\(index)].address; take another")
  }

  private func checkListeners(_ reading: inout Reading) {
    for (index, listener) in listeners.enumerated() {
      let earlier = listeners[..<index].firstIndex { $0.address.collides(with: listener.address) }
      if let earlier {
        reading.report(
          at: "listeners[\(index)].address",
          "the same port as listeners[\(earlier)].address; keep one of them")
      }
    }
    guard identity.anonymous != nil,
      let open = listeners.firstIndex(where: { !$0.address.isLoopback })
    else { return }
    reading.report(
      at: "identity.anonymous",
      "listeners[\(open)] (\(listeners[open].address)) can be reached from other machines, and calls without a credential are "
        + "let in on loopback only; listen on 127.0.0.1, or leave this out and use service_accounts"
    )
  }

  private func checkServiceAccounts(_ reading: inout Reading) {
    var names: [String: Int] = [:]
    var digests: [[UInt8]: Int] = [:]
    for (index, account) in identity.serviceAccounts.enumerated() {
      let path = "identity.service_accounts[\(index)]"
      if let earlier = names.updateValue(index, forKey: account.name) {
        reading.report(
          at: "\(path).name",
          "service_accounts[\(earlier)] has this name already; records could not tell them apart")
      }
      if let earlier = digests.updateValue(index, forKey: account.keyDigest) {
        reading.report(
          at: "\(path).key_sha256",
          "\"\(identity.serviceAccounts[earlier].name)\" has this key already; `sluice key` makes another"
        )
      }
      if account.groups.isEmpty, !isNamedByAProfile(account.name) {
        reading.warn(
          at: path,
          "\"\(account.name)\" is in no group and no profile names it, so it may use nothing")
      }
    }
  }

  private func isNamedByAProfile(_ name: String) -> Bool {
    profiles.contains { profile in profile.principals.contains { $0.text == name } }
  }

  private func checkServers(_ reading: inout Reading) {
    var paths: [String: String] = [:]
    for server in servers {
      if let other = paths.updateValue(server.name, forKey: server.path) {
        reading.report(
          at: "servers.\(server.name).path",
          "the server \"\(other)\" is at \(server.path) already; give one another path")
      }
      if let size = server.limits.responseBytesMax, size > limits.responseBytesMax {
        reading.report(
          at: "servers.\(server.name).limits.response_size",
          "larger than limits.response_size (\(ByteSize.text(limits.responseBytesMax))), which bounds every server; raise that"
        )
      }
      guard !server.isCommand else { continue }
      if let index = listeners.firstIndex(where: { $0.address.isTarget(of: server.url) }) {
        reading.report(
          at: "servers.\(server.name).url",
          "this is the gateway itself (listeners[\(index)]), which would call itself in a circle")
      }
    }
  }
}

extension SocketAddress {
  /// Whether a connection to the address in the URL would arrive at this listener, as far as the
  /// text tells.
  fileprivate func isTarget(of url: UpstreamURL) -> Bool {
    guard port == url.port else { return false }
    if url.host == "localhost" { return isLoopback || isAny }
    guard let bytes = url.addressBytes else { return false }
    return bytes == self.bytes || (isAny && SocketAddress(bytes: bytes, port: port).isLoopback)
  }
}
