internal import Approvals
internal import Foundation
internal import Hummingbird
internal import NIOCore

/// Changes of approvals as server-sent events (WHATWG HTML section 9.2): `event: approval` with the approval as data. A
/// comment every few seconds keeps proxies from closing it, and shows the server that nobody reads any more.
struct ApprovalStream: Sendable {
  static let heartbeat = Duration.seconds(10)

  let core: ConsoleCore
  let viewer: Viewer
  let access: Access

  func response() throws(ConsoleFailure) -> Response {
    guard core.streams.enter() else {
      throw .unavailable("Too many live streams are open. Ask again from time to time instead.")
    }
    let lease = StreamLease(core.streams)
    return Response(
      status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
      body: ResponseBody { writer in
        try await write { text in try await writer.write(ByteBuffer(string: text)) }
        try await writer.finish(nil)
        _ = lease
      })
  }

  private enum Happening: Sendable {
    case change(ApprovalRequest)
    case heartbeat
  }

  func write(_ send: (String) async throws -> Void) async throws {
    let changes = core.services.approvals.changes()
    // The newest changes count; a reader too slow for them asks for the list anyway.
    let (happenings, feed) = AsyncStream<Happening>.makeStream(
      bufferingPolicy: .bufferingNewest(64))
    let changesTask = Task {
      for await request in changes { feed.yield(.change(request)) }
      feed.finish()
    }
    let heartbeatTask = Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: ApprovalStream.heartbeat)
        feed.yield(.heartbeat)
      }
    }
    defer {
      changesTask.cancel()
      heartbeatTask.cancel()
    }
    try await send("retry: 3000\n: open\n\n")
    for await happening in happenings {
      guard isStillSignedIn else { return }
      switch happening {
      case .heartbeat: try await send(": still here\n\n")
      case .change(let request):
        guard ApprovalDesk(core: core).mayLook(viewer, at: request) else { continue }
        let document = ApprovalDocument(request, for: viewer, now: core.now())
        let data = String(decoding: JSONAnswer.bytes(document), as: UTF8.self)
        try await send("event: approval\ndata: \(data)\n\n")
      }
    }
  }

  /// A stream ends with its session.
  private var isStillSignedIn: Bool {
    guard case .session(let id, _) = access else { return true }
    return core.sessions.session(id, isUse: false) != nil
  }
}

/// A place among the live streams, given back when the answer is gone, however it went.
private final class StreamLease: Sendable {
  private let streams: StreamLimit

  init(_ streams: StreamLimit) {
    self.streams = streams
  }

  deinit { streams.leave() }
}
