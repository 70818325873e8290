internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// Lets a request that changes something pass only from a page of this console: the browser says which site sent it
/// (Origin, or Sec-Fetch-Site), and the form carries a token that no other site can know. Programs with a bearer token are
/// exempt: a browser never sends one by itself.
struct ForgeryGuard: RouterMiddleware {
  typealias Context = ConsoleContext

  /// The field of a form, and the header field of a script, that carries the token.
  static let formField = "csrf"
  static let headerField = HTTPField.Name("X-CSRF-Token")!

  let core: ConsoleCore

  func handle(
    _ request: Request, context: ConsoleContext,
    next: (Request, ConsoleContext) async throws -> Response
  ) async throws -> Response {
    if request.method == .get || request.method == .head { return try await next(request, context) }
    if case .key = context.access { return try await next(request, context) }
    guard comesFromHere(request) else { throw ConsoleFailure.forged }
    var request = request
    let sent: String?
    if let token = request.headers[ForgeryGuard.headerField] {
      sent = token
    } else {
      let body = try await request.collectBody(upTo: core.settings.limits.requestBytesMax)
      sent = FormFields(String(buffer: body))[ForgeryGuard.formField]
    }
    guard let sent, let expected = expected(request, context),
      ConstantTime.areEqual(sent, expected)
    else { throw ConsoleFailure.forged }
    return try await next(request, context)
  }

  private func expected(_ request: Request, _ context: ConsoleContext) -> String? {
    if case .session(_, let session) = context.access { return session.forgeryToken }
    return request.cookies[core.cookies.login]?.value
  }

  private func comesFromHere(_ request: Request) -> Bool {
    if let origin = request.headers[.origin] { return core.origin.isSame(origin) }
    return request.headers[HTTPField.Name("Sec-Fetch-Site")!] == "same-origin"
  }
}

/// The fields of a form (application/x-www-form-urlencoded).
struct FormFields {
  private var fields: [String: String] = [:]

  init(_ body: String) {
    for pair in body.split(separator: "&").prefix(64) {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = FormFields.decoded(parts[0]), let value = FormFields.decoded(parts.last!)
      else { continue }
      fields[name] = parts.count == 2 ? value : ""
    }
  }

  subscript(_ name: String) -> String? { fields[name] }

  private static func decoded(_ text: Substring) -> String? {
    String(text).replacing("+", with: " ").removingPercentEncoding
  }
}
