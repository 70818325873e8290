internal import Foundation
internal import Identity
internal import Logging
internal import Synchronization

/// Everything that the console's requests share.
final class ConsoleCore: Sendable {
  let settings: ConsoleSettings
  let services: ConsoleServices
  let sessions: SessionTable
  let throttle: LoginThrottle
  let sessionDesk: SessionDesk?
  let localLogin: LocalLogin?
  let openIDLogin: OpenIDLogin?
  let cookies: CookieNames
  let pages: PageRenderer
  let streams: StreamLimit
  let now: @Sendable () -> Date
  let logger: Logger
  private let currentOrigin: Mutex<ConsoleOrigin>
  private let accessRules: Mutex<AccessRules>
  private let currentTLS: Mutex<TLSContext?>

  init(
    settings: ConsoleSettings, services: ConsoleServices, oneTimePassword: String?,
    now: @escaping @Sendable () -> Date, logger: Logger
  ) throws(ConsoleError) {
    let origin = ConsoleOrigin(settings, port: settings.port)
    self.settings = settings
    self.services = services
    self.now = now
    self.logger = logger
    sessions = SessionTable(limits: settings.limits, now: now)
    throttle = LoginThrottle(limits: settings.limits, now: now)
    accessRules = Mutex(AccessRules(settings))
    cookies = CookieNames(isSecure: origin.isSecure)
    pages = PageRenderer()
    streams = StreamLimit(settings.limits.streamsMax)
    sessionDesk = services.sessions.map(SessionDesk.init)
    currentOrigin = Mutex(origin)
    currentTLS = Mutex(settings.tls)
    if let local = settings.localAdmin {
      guard let login = LocalLogin(local, oneTimePassword: oneTimePassword) else {
        throw ConsoleError("the password's hash is none that `sluice console password` prints")
      }
      localLogin = login
    } else {
      localLogin = nil
    }
    openIDLogin = settings.openID.map { OpenIDLogin($0, limits: settings.limits, now: now) }
  }

  /// Whether the gateway gives what a section shows.
  func has(_ section: ConsoleSection) -> Bool {
    switch section.needs {
    case .sessions: sessionDesk != nil
    case .servers, .policies, .status: services.status != nil
    default: true
    }
  }

  func permissions(of viewer: Viewer) -> Permissions {
    accessRules.withLock { $0 }.permissions(of: viewer)
  }

  func keyViewer(token: String) -> Viewer? {
    accessRules.withLock { $0 }.keys.viewer(token: token)
  }

  func adopt(_ settings: ConsoleSettings) {
    accessRules.withLock { $0 = AccessRules(settings) }
    // Whether TLS is spoken at all stays as it was at the start.
    if let tls = settings.tls { currentTLS.withLock { if $0 != nil { $0 = tls } } }
  }

  /// For connections that begin now; nil for plain HTTP.
  var tls: TLSContext? { currentTLS.withLock { $0 } }

  var origin: ConsoleOrigin { currentOrigin.withLock { $0 } }

  /// The port is known once the server listens.
  func listens(port: Int) {
    currentOrigin.withLock { $0 = ConsoleOrigin(settings, port: port) }
  }
}

/// Why the console cannot start, in words.
public struct ConsoleError: Error, Sendable, Equatable, CustomStringConvertible {
  public var description: String

  init(_ description: String) {
    self.description = description
  }
}

/// Counts the live streams.
final class StreamLimit: Sendable {
  private let max: Int
  private let count = Mutex(0)

  init(_ max: Int) {
    self.max = max
  }

  /// - Returns: false when there is no room; otherwise `leave` gives the place back.
  func enter() -> Bool {
    count.withLock { count in
      guard count < max else { return false }
      count += 1
      return true
    }
  }

  func leave() { count.withLock { $0 -= 1 } }
}
