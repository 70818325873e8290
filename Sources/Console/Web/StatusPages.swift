internal import Foundation
internal import Hummingbird
internal import Status

/// Servers, policies and the state of the gateway.
struct StatusPages: Sendable {
  let core: ConsoleCore

  func add(to router: Router<ConsoleContext>) {
    add("servers", "Servers", .servers, to: router)
    add("policies", "Policies", .policies, to: router)
    add("status", "Status", .status, to: router)
  }

  private func add(
    _ name: String, _ title: String, _ permission: Permissions, to router: Router<ConsoleContext>
  ) {
    router.get("/\(name)") { [core] _, context in
      let status = try await core.status(for: context, permission)
      let view = StatusView(status, seesSessions: core.sessionDesk != nil, now: core.now())
      return core.pages.page(
        name, view, title: title, frame: PageFrame(context, core, current: "/\(name)"))
    }
  }
}

extension ConsoleCore {
  /// - Throws: when the viewer may not see it, or the gateway tells nothing.
  func status(
    for context: ConsoleContext, _ permission: Permissions
  ) async throws(ConsoleFailure) -> GatewayStatus {
    try require(permission, context)
    guard let source = services.status, let status = await source() else {
      throw .unavailable("The gateway does not tell how it is.")
    }
    return status
  }
}

/// The servers as the admin API gives them.
struct ServerList: Encodable {
  var servers: [GatewayStatus.Server]
}

/// The rules in force.
struct PolicyDocument: Encodable {
  var revision: String
  var rules: [GatewayStatus.Rule]
}
