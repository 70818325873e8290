internal import CCurl
internal import Dispatch
internal import Synchronization

/// Takes an answer's body piece by piece.
final class OutboundRelay: Sendable {
  private let take: @Sendable (OutboundAnswer, [UInt8]) -> Bool
  private let isOver: @Sendable () -> Bool

  init(
    take: @escaping @Sendable (OutboundAnswer, [UInt8]) -> Bool,
    isOver: @escaping @Sendable () -> Bool
  ) {
    self.take = take
    self.isOver = isOver
  }

  /// The request borrows the relay, which must outlive the exchange.
  @unsafe
  func attach(to request: inout curl_request) {
    unsafe request.context = Unmanaged.passUnretained(self).toOpaque()
    unsafe request.take = { context, fields, fieldCount, bytes, count in
      let relay = unsafe Unmanaged<OutboundRelay>.fromOpaque(context!).takeUnretainedValue()
      let section = unsafe fields.map {
        unsafe Array(UnsafeRawBufferPointer(start: $0, count: fieldCount))
      }
      let body = unsafe Array(UnsafeRawBufferPointer(start: bytes, count: count))
      let head = OutboundAnswer(
        status: OutboundRelay.status(section ?? []),
        fields: OutboundRequest.fields(section ?? []))
      return relay.take(head, body) ? 1 : 0
    }
    unsafe request.is_over = { context in
      unsafe Unmanaged<OutboundRelay>.fromOpaque(context!).takeUnretainedValue().isOver() ? 1 : 0
    }
  }

  /// The status of the last answer in a header section: `HTTP/1.1 200 OK`.
  static func status(_ section: [UInt8]) -> Int {
    let lines = section.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
    guard let line = lines.last(where: { $0.hasPrefix("HTTP/") }) else { return 0 }
    return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  }
}

extension OutboundRequest {
  /// Sends the request and hands the answer's body on as it comes, however long that takes.
  /// - Parameters:
  ///   - isOver: asked about once per second; true ends the exchange with an error.
  ///   - take: gets status and fields with every piece; false ends the exchange with an error.
  /// - Returns: status and fields, without a body.
  public func relay(
    isOver: @escaping @Sendable () -> Bool = { false },
    _ take: @escaping @Sendable (_ head: OutboundAnswer, _ piece: [UInt8]) -> Bool
  ) async throws(OutboundError) -> OutboundAnswer {
    let relay = OutboundRelay(take: take, isOver: isOver)
    let result = await withCheckedContinuation { continuation in
      OutboundRequest.queue.async {
        do throws(OutboundError) {
          continuation.resume(
            returning: Result<_, OutboundError>.success(try blockingExchange(relay)))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    return try result.get()
  }
}
