internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore

/// Signing in and out.
struct LoginPages: Sendable {
  let core: ConsoleCore

  func add(to router: Router<ConsoleContext>) {
    router.get("/") { _, _ in Response.redirect(to: "/approvals", type: .normal) }
    router.get("/login") { request, context in show(request, context) }
    router.post("/login") { request, context in try await signIn(request, context) }
    router.get("/login/oidc") { request, context in try await begin(request, context) }
    router.get("/login/callback") { request, context in try await finish(request, context) }
    router.post("/logout") { request, context in signOut(request, context) }
  }

  private func show(_ request: Request, _ context: ConsoleContext) -> Response {
    let next = LoginTarget(parameter("next", of: request))
    guard context.viewer == nil else { return .redirect(to: next.path, type: .normal) }
    return form(request, next: next, problem: nil, status: .ok)
  }

  /// The form, bound to this browser by a cookie whose value the form repeats.
  private func form(
    _ request: Request, next: LoginTarget, problem: String?, status: HTTPResponse.Status
  ) -> Response {
    let binding = binding(of: request) ?? RandomText.make()
    var response = core.pages.login(
      LoginView(
        next: next.path, forgeryToken: binding, problem: problem,
        hasPassword: core.localLogin != nil,
        isOneTime: core.settings.localAdmin.map { $0.passwordHash == nil } ?? false,
        name: core.settings.localAdmin?.name ?? "",
        provider: core.settings.openID?.issuer, providerLink: "/login/oidc" + next.query),
      status: status)
    response.setCookie(cookie(core.cookies.login, binding))
    return response
  }

  private func signIn(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    var request = request
    let fields = try await FormFields(
      String(buffer: request.collectBody(upTo: core.settings.limits.requestBytesMax)))
    let next = LoginTarget(fields["next"])
    guard let local = core.localLogin else { throw ConsoleFailure.notFound }
    if let seconds = core.throttle.begin(from: context.peer) {
      core.logger.warning(
        "too many wrong passwords for the console", metadata: ["from": "\(context.peer)"])
      var response = form(
        request, next: next, problem: "Too many attempts. Wait \(seconds) seconds.",
        status: .tooManyRequests)
      response.headers[.retryAfter] = "\(seconds)"
      return response
    }
    let viewer = await local.signIn(
      name: fields["name"] ?? "", password: fields["password"] ?? "")
    guard let viewer else {
      core.logger.warning(
        "a wrong password for the console", metadata: ["from": "\(context.peer)"])
      return form(
        request, next: next, problem: "The name or the password is wrong.", status: .forbidden)
    }
    core.throttle.succeed(from: context.peer)
    return welcome(viewer, next: next, request, context)
  }

  private func begin(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    guard let login = core.openIDLogin else { throw ConsoleFailure.notFound }
    let binding = binding(of: request) ?? RandomText.make()
    do {
      let url = try await login.begin(
        binding: binding, redirect: redirect, next: LoginTarget(parameter("next", of: request)))
      var response = Response.redirect(to: url, type: .normal)
      response.setCookie(cookie(core.cookies.login, binding))
      return response
    } catch {
      throw failure(error)
    }
  }

  private func finish(_ request: Request, _ context: ConsoleContext) async throws -> Response {
    guard let login = core.openIDLogin else { throw ConsoleFailure.notFound }
    do {
      let (viewer, next) = try await login.finish(
        OpenIDCallback(
          code: parameter("code", of: request), state: parameter("state", of: request),
          issuer: parameter("iss", of: request), error: parameter("error", of: request),
          errorDescription: parameter("error_description", of: request)),
        binding: binding(of: request), redirect: redirect)
      return welcome(viewer, next: next, request, context)
    } catch {
      throw failure(error)
    }
  }

  private func failure(_ error: OpenIDFailure) -> ConsoleFailure {
    core.logger.warning("a sign-in failed", metadata: ["reason": "\(error.description)"])
    return ConsoleFailure(
      status: error.isTheirs ? .badGateway : .forbidden, kind: "sign-in", title: "Not signed in",
      detail: error.description)
  }

  private func welcome(
    _ viewer: Viewer, next: LoginTarget, _ request: Request, _ context: ConsoleContext
  ) -> Response {
    if case .session(let id, _) = context.access { core.sessions.end(id) }
    let id = core.sessions.start(viewer)
    core.logger.info(
      "signed in to the console",
      metadata: ["name": "\(viewer.name)", "from": "\(context.peer)"])
    var response = Response.redirect(to: next.path, type: .normal)
    response.setCookie(cookie(core.cookies.session, id))
    response.setCookie(cookie(core.cookies.login, "", maxAge: 0))
    return response
  }

  private func signOut(_ request: Request, _ context: ConsoleContext) -> Response {
    if case .session(let id, _) = context.access { core.sessions.end(id) }
    var response = Response.redirect(to: "/login", type: .normal)
    response.setCookie(cookie(core.cookies.session, "", maxAge: 0))
    return response
  }

  /// What binds this browser to the sign-in it began, if it is of our making.
  private func binding(of request: Request) -> String? {
    guard let value = request.cookies[core.cookies.login]?.value, RandomText.isOne(value) else {
      return nil
    }
    return value
  }

  private var redirect: String { core.origin.text + "/login/callback" }

  private func parameter(_ name: String, of request: Request) -> String? {
    request.uri.queryParameters[name[...]].map(String.init)
  }

  /// Without a lifetime of its own, so that it ends with the browser.
  private func cookie(_ name: String, _ value: String, maxAge: Int? = nil) -> Cookie {
    if let maxAge {
      return Cookie(
        name: name, value: value, maxAge: maxAge, path: "/", secure: core.origin.isSecure,
        httpOnly: true, sameSite: .lax)
    }
    return Cookie(
      name: name, value: value, path: "/", secure: core.origin.isSecure, httpOnly: true,
      sameSite: .lax)
  }
}
