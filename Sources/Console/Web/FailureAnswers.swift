internal import Approvals
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore

/// Turns what was thrown into an answer: a page for people, problem details for programs.
struct FailureAnswers: RouterMiddleware {
  typealias Context = ConsoleContext

  let pages: PageRenderer

  func handle(
    _ request: Request, context: ConsoleContext,
    next: (Request, ConsoleContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let failure as ConsoleFailure {
      return answer(failure, to: request, context)
    } catch let error as ApprovalError {
      return answer(ConsoleFailure(error), to: request, context)
    } catch is NIOTooManyBytesError {
      return answer(ConsoleFailure(HTTPError(.contentTooLarge)), to: request, context)
    } catch let error as HTTPError {
      return answer(ConsoleFailure(error), to: request, context)
    } catch {
      context.logger.error("a request of the console failed", metadata: ["error": "\(error)"])
      let failure = ConsoleFailure(
        status: .internalServerError, kind: "internal", title: "Something went wrong",
        detail: "The gateway's log says what.")
      return answer(failure, to: request, context)
    }
  }

  private func answer(
    _ failure: ConsoleFailure, to request: Request, _ context: ConsoleContext
  ) -> Response {
    let isAPI = request.uri.path.hasPrefix("/api/")
    if failure == .signIn, !isAPI, request.method != .post {
      return .redirect(to: "/login" + LoginTarget(request.uri.string).query, type: .normal)
    }
    var response =
      isAPI
      ? Problem(failure, instance: request.uri.path).response()
      : pages.failure(failure, viewer: context)
    if failure.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
    if let allowed = failure.allowed { response.headers[.allow] = allowed }
    if let seconds = failure.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
    return response
  }
}

/// Where to go after signing in: a page of this console and nothing else.
struct LoginTarget: Sendable, Equatable {
  let path: String

  /// Anything that a browser could read as another site becomes the first page.
  init(_ path: String?) {
    let isLocal =
      path.map { path in
        path.hasPrefix("/") && !path.hasPrefix("//") && !path.hasPrefix("/login")
          && path.utf8.count <= 512
          && path.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }
      } ?? false
    self.path = isLocal ? path! : "/approvals"
  }

  /// `?next=…`, or nothing for the first page.
  var query: String {
    guard path != "/approvals", path != "/" else { return "" }
    return "?next=" + PercentEncoding.encoded(path)
  }
}

/// Texts as parts of an address (RFC 3986 section 2.3: what is not unreserved is encoded).
enum PercentEncoding {
  static func encoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      let scalar = Unicode.Scalar(byte)
      let isUnreserved =
        byte < 0x80 && (scalar.properties.isAlphabetic || "0123456789-._~".utf8.contains(byte))
      if isUnreserved {
        encoded.unicodeScalars.append(scalar)
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += byte < 16 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return encoded
  }
}
