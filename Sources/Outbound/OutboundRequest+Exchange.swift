internal import CCurl
internal import Dispatch

extension OutboundRequest {
  /// Requests wait for other machines: never on a thread that something else needs.
  static let queue = DispatchQueue(label: "outbound", attributes: .concurrent)

  /// Sends the request and waits for the whole answer, of whatever status. Follows no redirects, verifies certificates.
  public func exchange() async throws(OutboundError) -> OutboundAnswer {
    let result = await withCheckedContinuation { continuation in
      OutboundRequest.queue.async {
        do throws(OutboundError) {
          continuation.resume(returning: Result<_, OutboundError>.success(try blockingExchange()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    return try result.get()
  }

  /// The same on the calling thread, which it blocks.
  public func blockingExchange() throws(OutboundError) -> OutboundAnswer {
    try blockingExchange(nil)
  }

  func blockingExchange(_ relay: OutboundRelay?) throws(OutboundError) -> OutboundAnswer {
    for (name, value) in fields {
      guard !(name + value).utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else {
        throw OutboundError("a header field holds a line break")
      }
    }
    var answer = unsafe curl_answer()
    let lines = fields.map { "\($0.name): \($0.value)" }
    let done = unsafe OutboundText.with(lines) { lines in
      unsafe OutboundText.with([method, url]) { texts in
        unsafe OutboundText.with(pem: authorities) { authorities in
          unsafe (body ?? []).withUnsafeBytes { bytes in
            var request = unsafe curl_request()
            unsafe request.method = texts[0]
            unsafe request.url = texts[1]
            unsafe request.fields = lines.baseAddress
            unsafe request.field_count = lines.count
            // An empty body is one all the same: libcurl tells it from none by the pointer.
            unsafe request.body =
              body == nil ? nil : bytes.baseAddress ?? UnsafeRawPointer(texts.baseAddress!)
            unsafe request.body_count = bytes.count
            unsafe request.answer_bytes_max = answerBytesMax
            unsafe request.connect_milliseconds = connectMilliseconds
            unsafe request.total_milliseconds = totalMilliseconds
            unsafe request.authorities = authorities
            if let relay { unsafe relay.attach(to: &request) }
            return unsafe curl_exchange(&request, &answer)
          }
        }
      }
    }
    defer { unsafe curl_answer_free(&answer) }
    withExtendedLifetime(relay) {}
    guard done == 1 else { throw unsafe OutboundError(OutboundText.error(&answer.error)) }
    return unsafe OutboundAnswer(
      status: answer.status,
      fields: OutboundRequest.fields(bytes(answer.fields, answer.field_count)),
      body: bytes(answer.body, answer.body_count))
  }

  private func bytes(_ start: UnsafeMutablePointer<CChar>?, _ count: Int) -> [UInt8] {
    guard let start = unsafe start else { return [] }
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// The fields of the last header section: interim answers (100, 103) come before it.
  static func fields(_ section: [UInt8]) -> [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = []
    for line in section.split(separator: 0x0A) {
      let text = String(decoding: line, as: UTF8.self).trimming()
      if text.hasPrefix("HTTP/") {
        fields.removeAll()
      } else if let colon = text.firstIndex(of: ":") {
        fields.append(
          (text[..<colon].lowercased(), String(text[text.index(after: colon)...]).trimming()))
      }
    }
    return fields
  }
}

extension String {
  func trimming() -> String {
    func isSpace(_ character: Character) -> Bool { character.isWhitespace }
    return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}
