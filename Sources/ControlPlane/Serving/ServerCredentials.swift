import Logging
import SluiceConfiguration
import Synchronization

/// The part that asks the programs again that print servers' credentials. (What is in files is read again by a reload, and
/// environment variables do not change.)
final class ServerCredentials: ServicePart {
  let name = "credentials"

  private struct State {
    var servers: [ServerConfiguration] = []
    /// Programs whose last secret is beyond its age limit.
    var expired: Set<SecretProgram> = []
    var loop: Task<Void, Never>?
  }

  private let state = Mutex(State())
  private let secrets: ProgramSecrets
  private let logger: Logger

  init(_ secrets: ProgramSecrets, logger: Logger) {
    self.secrets = secrets
    self.logger = logger
  }

  func contribute(to plan: inout ServingPlan, _ loaded: LoadedConfiguration) async {
    for server in loaded.configuration.servers {
      guard let credential = server.credential, let program = credential.program else { continue }
      var endpoint = plan.endpoints[server.name] ?? ServerEndpoint()
      if let secret = secrets.usable(program), let value = credential.value(of: secret) {
        endpoint.credential = (credential.header, value)
      } else {
        let limit = program.maxAgeMilliseconds / 1000
        endpoint.problem = "its credential could not be refreshed for \(limit) s"
      }
      plan.endpoints[server.name] = endpoint
    }
  }

  func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    let servers = loaded.configuration.servers.filter { $0.credential?.program != nil }
    secrets.keep(Set(servers.compactMap { $0.credential?.program }))
    state.withLock { state in
      state.servers = servers
      guard state.loop == nil else { return }
      state.loop = Task { [weak self, weak service] in
        while !Task.isCancelled {
          try? await Task.sleep(for: .milliseconds(500))
          guard let self, let service, !Task.isCancelled else { return }
          await self.look(service)
        }
      }
    }
  }

  func stopping() async { state.withLock { $0.loop?.cancel() } }

  /// Refreshes what is due and has news published.
  private func look(_ service: GatewayService) async {
    var changed: [String] = []
    for server in state.withLock({ $0.servers }) {
      guard let credential = server.credential, let program = credential.program else { continue }
      if secrets.isDue(program), await refresh(program, credential, of: server.name) {
        changed.append(server.name)
      }
      let isExpired = secrets.usable(program) == nil
      let wasExpired = state.withLock { state in
        isExpired
          ? !state.expired.insert(program).inserted : state.expired.remove(program) != nil
      }
      if isExpired != wasExpired, !changed.contains(server.name) { changed.append(server.name) }
    }
    guard !changed.isEmpty else { return }
    await service.republish(because: "credential of \(changed.joined(separator: ", "))")
  }

  /// - Returns: whether the secret is another than before.
  private func refresh(
    _ program: SecretProgram, _ credential: CredentialConfiguration, of server: String
  ) async -> Bool {
    let secrets = secrets
    do {
      let isNew = try await BlockingWork.run { () throws(SecretProgram.Failure) in
        try secrets.refresh(program)
      }
      if let secret = secrets.usable(program), credential.value(of: secret) == nil {
        logger.error(
          "a credential cannot be used",
          metadata: ["server": "\(server)", "problem": "\(CredentialConfiguration.unsendable)"])
      }
      return isNew
    } catch {
      logger.warning(
        "a credential could not be refreshed; the last one is used until its age limit",
        metadata: ["server": "\(server)", "problem": "\(error)"])
      return false
    }
  }
}
