internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// Every address of the console and what stands in front of it.
enum ConsoleRouter {
  static func router(_ core: ConsoleCore) -> Router<ConsoleContext> {
    let router = Router(context: ConsoleContext.self, options: [.autoGenerateHeadEndpoints])
    router.add(middleware: SecurityHeaders(isSecure: core.origin.isSecure))
    router.add(middleware: FailureAnswers(pages: core.pages))
    // Machines ask for these by whatever name they know, without signing in.
    for route in core.services.openRoutes { add(route, to: router) }
    router.add(middleware: HostGuard(origin: { core.origin }))
    for asset in Asset.all { add(asset, to: router) }
    router.add(middleware: Authentication(core: core))
    router.add(middleware: ForgeryGuard(core: core))
    LoginPages(core: core).add(to: router)
    ApprovalPages(core: core).add(to: router)
    SessionPages(core: core).add(to: router)
    StatusPages(core: core).add(to: router)
    for operation in AdminAPI(core: core).operations { operation.add(to: router) }
    return router
  }

  private static func add(_ route: ConsoleRoute, to router: Router<ConsoleContext>) {
    router.get(RouterPath(route.path)) { _, _ in
      let answer = await route.answer()
      return Response(
        status: .init(code: answer.status), headers: [.contentType: answer.contentType],
        body: .init(byteBuffer: ByteBuffer(string: answer.body)))
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
