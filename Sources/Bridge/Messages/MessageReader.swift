internal import Wire

/// One JSON-RPC message as the bridge needs it: who asks or answers, and where the literals stand that must be unique
/// on a pipe that several share. Everything else passes through byte for byte.
struct Message: Sendable {
  enum Kind: Sendable, Equatable { case request, notification, answer }

  var bytes: [UInt8]
  var kind: Kind
  /// The id's literal: `7`, `"a"`.
  var id: Range<Int>?
  var method = ""
  /// Of a request: `params._meta.progressToken`. Of `notifications/progress`: `params.progressToken`.
  var progressToken: Range<Int>?
  /// `params._meta["io.modelcontextprotocol/subscriptionId"]`: the id of the request that listens.
  var subscriptionID: Range<Int>?
  /// Of `notifications/cancelled`: the id of the request that is no longer wanted.
  var cancelledID: Range<Int>?
  /// `params.uri`, unescaped.
  var uri: String?
  /// The result's literal, when the answer is one.
  var result: Range<Int>?
  /// The error's code, when the answer is one.
  var errorCode: Int?
  /// Whether the request says its revision itself, which only the modern era does.
  var hasRevision = false

  func literal(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }

  /// The message with some literals replaced, and without line breaks: strict JSON has them only between tokens.
  func replacing(_ changes: [(range: Range<Int>?, literal: [UInt8])]) -> [UInt8] {
    var copy: [UInt8] = []
    copy.reserveCapacity(bytes.count + 64)
    var position = 0
    let sorted = changes.compactMap { change in change.range.map { ($0, change.literal) } }
      .sorted { $0.0.lowerBound < $1.0.lowerBound }
    for (range, literal) in sorted {
      copy += bytes[position..<range.lowerBound]
      copy += literal
      position = range.upperBound
    }
    copy += bytes[position...]
    for index in copy.indices where copy[index] == 0x0A || copy[index] == 0x0D {
      copy[index] = 0x20
    }
    return copy
  }
}

/// Reads messages strictly, with the data path's own index: one reading or none.
final class MessageReader {
  private var index: JSONIndex

  init(bytesMax: Int) {
    index = JSONIndex(
      limits: JSONLimits(
        depthMax: 512, numberLengthMax: 255, stringLengthMax: bytesMax, documentBytesMax: bytesMax))
  }

  /// Nil when the bytes are no strict JSON, or no message of JSON-RPC.
  func read(_ bytes: [UInt8]) -> Message? {
    let span = unsafe bytes.span.bytes
    guard index.read(span, watch: .none) == nil else { return nil }
    let root = index.root
    var message = Message(bytes: bytes, kind: .notification)
    let id = index.member("id", of: root, in: span)
    if let id {
      guard isLiteral(id, span) else { return nil }
      message.id = index.range(of: id).range
    }
    if let method = index.member("method", of: root, in: span) {
      guard let text = text(method, span) else { return nil }
      message.kind = id == nil ? .notification : .request
      message.method = text
      if let params = index.member("params", of: root, in: span) { read(params, span, &message) }
      return message
    }
    message.kind = .answer
    if let result = index.member("result", of: root, in: span) {
      message.result = index.range(of: result).range
    } else if let error = index.member("error", of: root, in: span) {
      message.errorCode = 0
      if index.kind(of: error, in: span) == .object,
        let code = index.member("code", of: error, in: span),
        index.kind(of: code, in: span) == .number
      {
        message.errorCode = index.integer(code, in: span).flatMap { Int(exactly: $0) } ?? 0
      }
    } else {
      return nil
    }
    return message
  }

  private func read(_ params: JSONToken, _ span: RawSpan, _ message: inout Message) {
    guard index.kind(of: params, in: span) == .object else { return }
    func range(_ name: StaticString, _ object: JSONToken) -> Range<Int>? {
      guard let value = index.member(name, of: object, in: span), isLiteral(value, span)
      else { return nil }
      return index.range(of: value).range
    }
    message.uri = index.member("uri", of: params, in: span).flatMap { text($0, span) }
    switch message.method {
    case "notifications/progress": message.progressToken = range("progressToken", params)
    case "notifications/cancelled": message.cancelledID = range("requestId", params)
    default: break
    }
    guard let meta = index.member("_meta", of: params, in: span),
      index.kind(of: meta, in: span) == .object
    else { return }
    if message.kind == .request { message.progressToken = range("progressToken", meta) }
    message.subscriptionID = range("io.modelcontextprotocol/subscriptionId", meta)
    message.hasRevision =
      index.member("io.modelcontextprotocol/protocolVersion", of: meta, in: span) != nil
  }

  private func isLiteral(_ token: JSONToken, _ span: RawSpan) -> Bool {
    switch index.kind(of: token, in: span) {
    case .string, .number: true
    default: false
    }
  }

  private func text(_ token: JSONToken, _ span: RawSpan) -> String? {
    guard index.kind(of: token, in: span) == .string else { return nil }
    let capacity = Int(index.contents(of: token).count)
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: max(1, capacity)) { memory, count in
      var writer = unsafe ByteWriter(unsafeInto: memory.baseAddress!, capacity: capacity)
      index.decode(token, in: span, into: &writer)
      count = writer.count
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
