internal import Dispatch
internal import Foundation
internal import Recorder

/// Reads sessions from the record. Reading takes its time with large records, so it happens on a queue of its own, one
/// reading at a time, and only so many may wait.
final class SessionDesk: Sendable {
  static let waitingMax = 8
  static let sessionsMax = 500
  static let callsMax = 100

  private let catalog: SessionCatalog
  private let queue = DispatchQueue(label: "console.sessions")
  private let waiting = StreamLimit(SessionDesk.waitingMax)

  init(_ catalog: SessionCatalog) {
    self.catalog = catalog
  }

  func list(_ filter: SessionFilter, limit: Int) async throws(ConsoleFailure) -> SessionCatalog.List
  {
    try await read { catalog in try catalog.list(filter, limit: limit) }
  }

  /// One session, and so many of its calls after skipping some.
  func timeline(
    _ id: String, skip: Int, limit: Int
  ) async throws(ConsoleFailure) -> (session: RecordedSession, calls: [RecordedCall]) {
    try await read { catalog in
      var calls: [RecordedCall] = []
      var passed = 0
      let session = try catalog.timeline(id) { call in
        passed += 1
        if passed > skip { calls.append(call) }
        return calls.count < limit
      }
      return (session, calls)
    }
  }

  private func read<Value: Sendable>(
    _ body: @escaping @Sendable (SessionCatalog) throws -> Value
  ) async throws(ConsoleFailure) -> Value {
    guard waiting.enter() else {
      throw .unavailable("Too many readings of the record are waiting. Try again in a moment.")
    }
    defer { waiting.leave() }
    let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
      queue.async { [catalog] in
        continuation.resume(returning: Result { try body(catalog) })
      }
    }
    do {
      return try result.get()
    } catch {
      switch error as? RecorderError {
      case .notFound, .noReference: throw .notFound
      default: throw .unavailable("The record cannot be read: \(error)")
      }
    }
  }
}
