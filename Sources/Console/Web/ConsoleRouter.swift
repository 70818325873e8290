internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// Every address of the console and what stands in front of it.
enum ConsoleRouter {
  static func router(_ core: ConsoleCore) -> Router<ConsoleContext> {
    let router = Router(context: ConsoleContext.self, options: [.autoGenerateHeadEndpoints])
    router.add(middleware: SecurityHeaders(isSecure: core.origin.isSecure))
    router.add(middleware: FailureAnswers(pages: core.pages))
    router.add(middleware: HostGuard(origin: { core.origin }))
    for asset in Asset.all { add(asset, to: router) }
    router.add(middleware: Authentication(core: core))
    router.add(middleware: ForgeryGuard(core: core))
    LoginPages(core: core).add(to: router)
    ApprovalPages(core: core).add(to: router)
    SessionPages(core: core).add(to: router)
    StatusPages(core: core).add(to: router)
    for operation in AdminAPI(core: core).operations { operation.add(to: router) }
    addRefusals(to: router)
    return router
  }

  /// Answers every other method at a known address with 405 and the methods there are (RFC 9110 section 15.5.6).
  private static func addRefusals(to router: Router<ConsoleContext>) {
    var known: [String: Set<HTTPRequest.Method>] = [:]
    for route in router.routes { known[route.path.description, default: []].insert(route.method) }
    let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
    for (path, there) in known {
      // A HEAD is answered wherever a GET is.
      let allowed = there.union(there.contains(.get) ? [.head] : [])
      let names = allowed.map(\.rawValue).sorted().joined(separator: ", ")
      for method in methods where !allowed.contains(method) {
        router.on(RouterPath(path), method: method) { _, _ -> Response in
          throw ConsoleFailure.method(allowed: names)
        }
      }
    }
  }

  private static func add(_ asset: Asset, to router: Router<ConsoleContext>) {
    router.get(RouterPath(asset.path)) { _, _ in
      Response(
        status: .ok,
        headers: [
          .contentType: asset.contentType,
          // The name changes with the content.
          .cacheControl: "public, max-age=31536000, immutable",
        ],
        body: .init(byteBuffer: ByteBuffer(bytes: asset.bytes)))
    }
  }
}

extension ConsoleContext {
  /// - Throws: what leads to the sign-in.
  func signedIn() throws(ConsoleFailure) -> Viewer {
    guard let viewer else { throw .signIn }
    return viewer
  }
}
