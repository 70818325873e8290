internal import HTTPTypes
internal import Hummingbird

/// The names of the console's cookies. With `__Host-` a browser takes them over TLS only, and from this very host only.
struct CookieNames: Sendable {
  let session: String
  /// Binds a sign-in form, and a sign-in at a provider, to the browser that began it.
  let login: String

  init(isSecure: Bool) {
    session = isSecure ? "__Host-sluice_session" : "sluice_session"
    login = isSecure ? "__Host-sluice_login" : "sluice_login"
  }
}

/// Finds out who sends a request: by the session's cookie, or by a bearer token for the admin API.
struct Authentication: RouterMiddleware {
  typealias Context = ConsoleContext

  let core: ConsoleCore

  func handle(
    _ request: Request, context: ConsoleContext,
    next: (Request, ConsoleContext) async throws -> Response
  ) async throws -> Response {
    var context = context
    if let authorization = request.headers[.authorization] {
      context.access = try keyAccess(authorization, isAPI: request.uri.path.hasPrefix("/api/"))
    } else if let id = request.cookies[core.cookies.session]?.value,
      let session = core.sessions.session(id, isUse: !Authentication.isRefresh(request))
    {
      context.access = .session(id: id, session)
    }
    return try await next(request, context)
  }

  /// A page that asks again by itself says so.
  static func isRefresh(_ request: Request) -> Bool {
    request.headers[HTTPField.Name("X-Sluice-Refresh")!] != nil
      || request.uri.path.hasSuffix("/stream")
  }

  /// A token that is sent and wrong is an error, even beside a cookie: never a quiet step down.
  private func keyAccess(_ authorization: String, isAPI: Bool) throws -> Access {
    let parts = authorization.split(separator: " ", maxSplits: 1)
    guard isAPI, parts.count == 2, parts[0].lowercased() == "bearer",
      let viewer = core.keyViewer(token: String(parts[1]))
    else {
      throw ConsoleFailure(
        status: .unauthorized, kind: "bad-token", title: "Token not accepted",
        detail: "No program of the configuration has this key.")
    }
    return .key(viewer)
  }
}
