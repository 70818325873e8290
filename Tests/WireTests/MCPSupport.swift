import Testing
import Wire

/// What a message came to, in values that compare and print well.
enum MessageReading: Equatable {
  case notJSON(MCPRefusalReason)
  case refused(MCPRefusalReason, id: String)
  case message(MCPMessageKind, MCPMethod, id: String)
}

func readMessage(_ text: String, from sender: MCPSender = .client) -> MessageReading {
  let bytes = Array(text.utf8)
  var index = JSONIndex(limits: JSONLimits())
  if let violation = index.read(bytes.rawBytes, watch: .none) {
    return .notJSON(MCPReader.refusal(for: violation, in: bytes.rawBytes).reason)
  }
  switch MCPReader.read(bytes.rawBytes, index: index, from: sender) {
  case .refused(let refusal): return .refused(refusal.reason, id: httpText(bytes, refusal.id))
  case .message(let message):
    return .message(message.kind, message.method, id: httpText(bytes, message.id))
  }
}

/// What a POST came to.
enum EraReading: Equatable {
  case legacy(ProtocolVersion?)
  case initialize
  case modern
  case refused(status: UInt16, code: Int32)
  case unreadable
}

/// Classifies a POST with these header lines (each ended by `|`) and this body.
func classify(_ headers: String, _ body: String) -> EraReading {
  let headBytes = httpBytes("POST /mcp HTTP/1.1|Host: a|\(headers)|")
  var head = RequestHead()
  guard case .complete = readRequest(headBytes, head: &head) else { return .unreadable }
  let bytes = Array(body.utf8)
  var index = JSONIndex(limits: JSONLimits())
  guard index.read(bytes.rawBytes, watch: .none) == nil,
    case .message(let message) = MCPReader.read(bytes.rawBytes, index: index)
  else { return .unreadable }
  let result = EraClassifier.classify(
    head, headBytes: headBytes.rawBytes, message: message, body: bytes.rawBytes, index: index)
  switch result {
  case .legacy(let version): return .legacy(version)
  case .initialize: return .initialize
  case .modern: return .modern
  case .refused(let refusal): return .refused(status: refusal.status, code: refusal.code)
  }
}
