internal import HTTPTypes
internal import Hummingbird

/// Puts on every answer, errors included, what keeps a browser from being used against its owner.
struct SecurityHeaders: RouterMiddleware {
  typealias Context = ConsoleContext

  /// Only this origin's own files and addresses; no inline script, no inline style, nobody's frame.
  static let contentSecurityPolicy = [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
    "connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
  ].joined(separator: "; ")

  private static let fields: [(HTTPField.Name, String)] = [
    (.contentSecurityPolicy, contentSecurityPolicy),
    (.xContentTypeOptions, "nosniff"),
    (HTTPField.Name("X-Frame-Options")!, "DENY"),
    // Not `no-referrer`: with that, browsers send `Origin: null` with forms, and `ForgeryGuard` could not tell who sent one.
    (HTTPField.Name("Referrer-Policy")!, "same-origin"),
    (HTTPField.Name("Cross-Origin-Opener-Policy")!, "same-origin"),
    (HTTPField.Name("Cross-Origin-Resource-Policy")!, "same-origin"),
    (
      HTTPField.Name("Permissions-Policy")!,
      "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
  ]

  let isSecure: Bool

  func handle(
    _ request: Request, context: ConsoleContext,
    next: (Request, ConsoleContext) async throws -> Response
  ) async throws -> Response {
    var response = try await next(request, context)
    for (name, value) in SecurityHeaders.fields { response.headers[name] = value }
    if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    if isSecure { response.headers[.strictTransportSecurity] = "max-age=31536000" }
    return response
  }
}
