internal import HTTPTypes
public import Hummingbird
internal import Status

/// What machines ask the gateway about itself: metrics, health and status. Without authentication, and without a secret in
/// it; where to listen is the operator's choice.
public struct AdminRoutes: Sendable {
  private let service: @Sendable () -> GatewayService?

  /// - Parameter service: nil while the gateway starts.
  public init(_ service: @escaping @Sendable () -> GatewayService?) {
    self.service = service
  }

  /// Adds the routes to a server's router.
  ///
  ///     GET /              what there is
  ///     GET /healthz       200 while the process lives: for a supervisor that restarts what hangs
  ///     GET /readyz        200 while calls should be sent here, else 503 and why: for a load balancer
  ///     GET /metrics       for Prometheus, text format 0.0.4
  ///     GET /status.json   `GatewayStatus`, as the admin API gives it to administrators
  public func add<Context: RequestContext>(to router: Router<Context>) {
    router.get("/") { _, _ in Self.text(Self.contents) }
    router.get("healthz") { _, _ in Self.text("ok\n") }
    router.get("readyz") { _, _ in
      guard let service = service() else {
        return Self.text("the gateway is starting\n", .serviceUnavailable)
      }
      guard let reason = await service.notReady else { return Self.text("ready\n") }
      return Self.text("\(reason)\n", .serviceUnavailable)
    }
    router.get("metrics") { _, _ in
      guard let service = service() else { return Self.text("", .serviceUnavailable) }
      return Self.text(
        await (service.status().metrics + ProcessMetrics.read()).prometheusText,
        type: "text/plain; version=0.0.4; charset=utf-8")
    }
    router.get("status.json") { _, _ in
      guard let service = service() else { return Self.text("{}", .serviceUnavailable) }
      let json = try await service.status().json()
      return Self.text(String(decoding: json, as: UTF8.self), type: "application/json")
    }
    for path in ["healthz", "readyz", "metrics", "status.json"] {
      for method in [HTTPRequest.Method.post, .put, .patch, .delete, .options] {
        router.on(RouterPath(path), method: method) { _, _ in
          var answer = Self.text("this address answers to GET and HEAD\n", .methodNotAllowed)
          answer.headers[.allow] = "GET, HEAD"
          return answer
        }
      }
    }
  }

  private static let contents = """
    Sluice, for machines:
      /healthz       200 while the process lives
      /readyz        200 while calls should be sent here, else 503 and why
      /metrics       for Prometheus
      /status.json   what `sluice status` shows

    """

  private static func text(
    _ text: String, _ status: HTTPResponse.Status = .ok,
    type: String = "text/plain; charset=utf-8"
  ) -> Response {
    Response(
      status: status,
      headers: [
        .contentType: type, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
      ],
      body: .init(byteBuffer: ByteBuffer(string: text)))
  }
}
