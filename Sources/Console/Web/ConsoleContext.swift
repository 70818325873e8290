internal import Hummingbird

/// One request on its way through the console.
struct ConsoleContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// The address at the other end of the connection. What proxies say about it is not believed.
  let peer: String
  var access = Access.nobody

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    peer = source.channel.remoteAddress?.ipAddress ?? "unknown"
  }

  var viewer: Viewer? {
    switch access {
    case .nobody: nil
    case .session(_, let session): session.viewer
    case .key(let viewer): viewer
    }
  }
}

/// How a request proved who sent it.
enum Access: Sendable {
  case nobody
  case session(id: String, ConsoleSession)
  case key(Viewer)
}
