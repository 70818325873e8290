import Approvals
import ConsoleSamples
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Logging
import NIOCore
import RouterTestSupport
import Synchronization
import Testing

@testable import Console

extension Viewer {
  /// Somebody of whom nothing but name and groups matters.
  init(name: String, groups: Set<String>) {
    self.init(name: name, groups: groups, person: "test/\(name)")
  }
}

/// A clock that stands still until a test moves it.
final class TestClock: Sendable {
  private let time = Mutex(Date(timeIntervalSince1970: 1_800_000_000))

  var now: Date { time.withLock { $0 } }
  func advance(_ seconds: Double) { time.withLock { $0 += seconds } }
}

/// A console over approvals in memory, and who may use it.
struct TestConsole {
  static let password = "correct horse battery staple"
  static let passwordHash = PasswordHash(password: password).text
  static let origin = "http://127.0.0.1:8081"

  let clock = TestClock()
  let approvals: MemoryApprovals
  let core: ConsoleCore

  /// Keys of programs, by the group they are in.
  static let keys = ["dba", "finance", "security", "platform", "nobody"]

  init(
    _ requests: [ApprovalRequest]? = nil,
    change: (inout ConsoleSettings, inout ConsoleServices) -> Void = { _, _ in }
  ) throws {
    let clock = clock
    approvals = MemoryApprovals(
      requests ?? SampleApprovals.day(now: clock.now), now: { clock.now })
    var settings = ConsoleSettings()
    var local = LocalAdminSettings()
    local.passwordHash = TestConsole.passwordHash
    local.groups = ["dba"]
    settings.localAdmin = local
    settings.adminGroups = ["platform"]
    settings.auditorGroups = ["security"]
    settings.keys = TestConsole.keys.map { name in
      ConsoleKey(
        name: "\(name)-bot", digest: APIKey.sha256(of: Array("key-\(name)".utf8)), groups: [name])
    }
    var services = ConsoleServices(approvals: approvals)
    change(&settings, &services)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    core = try ConsoleCore(
      settings: settings, services: services, oneTimePassword: "one-time", now: { clock.now },
      logger: logger)
  }

  func test<Value>(
    _ body: @Sendable (TestBrowser) async throws -> Value
  ) async throws -> Value {
    let responder = HostFromField(inner: ConsoleRouter.router(core).buildResponder())
    return try await body(TestBrowser(client: RouterClient(responder)))
  }
}

/// The test's client always says it asks for "localhost". This takes the name from the Host field, as the server does.
struct HostFromField: HTTPResponder {
  static let name = HTTPField.Name("Host")!

  let inner: RouterResponder<ConsoleContext>

  func respond(to request: Request, context: ConsoleContext) async throws -> Response {
    var head = request.head
    head.authority = head.headerFields[HostFromField.name]
    head.headerFields[HostFromField.name] = nil
    return try await inner.respond(to: Request(head: head, body: request.body), context: context)
  }
}

/// A browser, or a program: cookies are kept, fields are sent as browsers send them.
final class TestBrowser: Sendable {
  let client: RouterClient<HostFromField>
  private let jar = Mutex<[String: String]>([:])

  init(client: RouterClient<HostFromField>) { self.client = client }

  var cookies: [String: String] { jar.withLock { $0 } }
  func set(cookie: String, to value: String?) { jar.withLock { $0[cookie] = value } }

  @discardableResult
  func send(
    _ method: HTTPRequest.Method, _ uri: String, headers: HTTPFields = [:], body: String? = nil,
    host: String = "127.0.0.1:8081"
  ) async throws -> TestResponse {
    var headers = headers
    let cookies = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
    if !cookies.isEmpty { headers[.cookie] = cookies }
    headers[HostFromField.name] = host
    let answer = try await client.execute(
      uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
    for field in answer.headers[values: .setCookie] {
      let pair = field.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
      jar.withLock { $0[String(pair[0])] = pair.count > 1 ? String(pair[1]) : nil }
    }
    return answer
  }

  func get(_ uri: String) async throws -> TestResponse { try await send(.get, uri) }

  /// Sends a form with the token of the page it stands on.
  func post(
    _ uri: String, _ fields: [String: String], from page: String? = nil,
    origin: String? = TestConsole.origin
  ) async throws -> TestResponse {
    var fields = fields
    if let page { fields["csrf"] = try TestBrowser.token(try await get(page)) }
    var headers: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
    headers[.origin] = origin
    let body = fields.map {
      "\(PercentEncoding.encoded($0.key))=\(PercentEncoding.encoded($0.value))"
    }.joined(separator: "&")
    return try await send(.post, uri, headers: headers, body: body)
  }

  func signIn(
    name: String = "admin", password: String = TestConsole.password
  ) async throws -> TestResponse {
    try await post("/login", ["name": name, "password": password], from: "/login")
  }

  func api(
    _ method: HTTPRequest.Method, _ path: String, key: String?, body: String? = nil
  ) async throws -> TestResponse {
    var headers: HTTPFields = [:]
    if let key { headers[.authorization] = "Bearer key-\(key)" }
    return try await send(method, "/api/v1" + path, headers: headers, body: body)
  }

  static func token(_ page: TestResponse) throws -> String {
    let match = try #require(
      String(buffer: page.body).firstMatch(of: /name="csrf" value="([^"]+)"/))
    return String(match.1)
  }
}

extension TestResponse {
  var text: String { String(buffer: body) }

  func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try JSONAnswer.decoder().decode(type, from: Data(body.readableBytesView))
  }
}

/// The approvals of the day, by what they are.
enum Sample {
  static let update = "apr_update00000000000000000000"
  static let transfer = "apr_transfer000000000000000000"
  static let shell = "apr_shell000000000000000000000"
  static let denied = "apr_denied00000000000000000000"
}
