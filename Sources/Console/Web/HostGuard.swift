internal import HTTPTypes
internal import Hummingbird

/// The origin under which the console is reached, and the names it answers to.
///
/// A page of another site can have its name point to this machine (DNS rebinding) and then talk to the console as if it were
/// its own; the Host field still says that other name.
struct ConsoleOrigin: Sendable {
  /// `https://console.example`, `http://127.0.0.1:8081`.
  let text: String
  let isSecure: Bool
  /// What the console itself speaks: `http://`, `https://`.
  private let scheme: String
  private let hosts: Set<String>

  /// - Parameter port: the port the server has found, when the settings let the system choose.
  init(_ settings: ConsoleSettings, port: Int) {
    let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
    scheme = settings.tls == nil ? "http://" : "https://"
    text = settings.publicURL ?? "\(scheme)\(host):\(port)"
    isSecure = text.hasPrefix("https://")
    var hosts: Set<String> = [ConsoleOrigin.authority(text)]
    if ConsoleOrigin.isLoopback(settings.host) {
      hosts.formUnion(["127.0.0.1:\(port)", "localhost:\(port)", "[::1]:\(port)"])
    }
    self.hosts = hosts
  }

  static func isLoopback(_ host: String) -> Bool {
    if host == "::1" || host == "localhost" { return true }
    // A name may begin with "127." as well: only numbers are an address.
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  func answers(to host: String) -> Bool { hosts.contains(host.lowercased()) }

  /// Whether an Origin field names this console.
  func isSame(_ origin: String) -> Bool {
    if origin == text { return true }
    // On loopback the console has several names, all of this machine.
    guard isSecure == (scheme == "https://"), origin.hasPrefix(scheme) else { return false }
    return answers(to: String(origin.dropFirst(scheme.count)))
  }

  private static func authority(_ origin: String) -> String {
    let parts = origin.split(separator: "/", omittingEmptySubsequences: true)
    return parts.count > 1 ? parts[1].lowercased() : ""
  }
}

/// Turns away requests for other names than the console's own.
struct HostGuard: RouterMiddleware {
  typealias Context = ConsoleContext

  let origin: @Sendable () -> ConsoleOrigin

  func handle(
    _ request: Request, context: ConsoleContext,
    next: (Request, ConsoleContext) async throws -> Response
  ) async throws -> Response {
    let origin = origin()
    // The first Host field is the authority; a second one stays among the fields.
    guard let host = request.head.authority, origin.answers(to: host),
      request.headers[HTTPField.Name("Host")!] == nil
    else {
      throw ConsoleFailure(
        status: .misdirectedRequest, kind: "misdirected", title: "Not here",
        detail: "The console is at \(origin.text).")
    }
    return try await next(request, context)
  }
}
