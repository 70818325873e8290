import HTTPTypes
import Hummingbird
import RouterTestSupport
import Testing

@testable import ControlPlane

@Suite struct AdminRoutesTests {
  /// A gateway that is still starting.
  private func ask(
    _ method: HTTPRequest.Method, _ path: String
  ) async throws -> TestResponse {
    let router = Router(options: [.autoGenerateHeadEndpoints])
    AdminRoutes { nil }.add(to: router)
    return try await RouterClient(router.buildResponder()).execute(uri: path, method: method)
  }

  @Test func aSupervisorIsAnsweredBeforeTheGatewayServes() async throws {
    #expect(try await ask(.get, "/healthz").status == .ok)
    #expect(try await ask(.head, "/healthz").status == .ok)
    let contents = try await ask(.get, "/")
    for path in ["/healthz", "/readyz", "/metrics", "/status.json"] {
      #expect(String(buffer: contents.body).contains("  \(path) "))
    }
    for path in ["/readyz", "/metrics", "/status.json"] {
      #expect(try await ask(.get, path).status == .serviceUnavailable, "\(path)")
    }
    #expect(try await ask(.get, "/nowhere").status == .notFound)
  }

  @Test(arguments: ["/healthz", "/readyz", "/metrics", "/status.json"])
  func otherMethodsAreToldWhichThereAre(path: String) async throws {
    for method in [HTTPRequest.Method.post, .put, .delete] {
      let answer = try await ask(method, path)
      #expect(answer.status == .methodNotAllowed)
      #expect(answer.headers[.allow] == "GET, HEAD")
    }
  }
}
