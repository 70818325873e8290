import CLLHTTP
import Wire

/// A request head of ordinary size, read by ours and by llhttp (of Debian's node-llhttp, compiled like ours) in one run; and
/// what follows it: the message and its era.
func benchmarkHTTP(_ harness: Harness) {
  let lines = [
    "POST /orders/mcp HTTP/1.1", "Host: gateway.example:8080",
    "Authorization: Bearer sk-0123456789abcdef0123456789abcdef", "Content-Type: application/json",
    "Accept: application/json, text/event-stream", "MCP-Protocol-Version: 2026-07-28",
    "Mcp-Method: tools/call", "Mcp-Name: query",
    "User-Agent: python-httpx/0.28.1 mcp/2.3.0 with some words to make it 380 bytes long xxxxxxxxxxxxxx",
    "Content-Length: \(call.count)",
  ]
  let head = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  let limits = HTTPLimits()
  var fields = FieldTable(limits: limits)
  var request = RequestHead()
  let name = "\(head.count) bytes, \(lines.count - 1) fields"
  let read = {
    var scanned: UInt32 = 0
    let result = unsafe RequestHeadParser.parse(
      head.span.bytes, scannedUpTo: &scanned, limits: limits, into: &request, fields: &fields)
    precondition(result == .complete)
  }
  read()
  harness.measure("http/head \(name)", bytes: head.count, repeats: 1000, read)
  if cllhttp_is_available() != 0 {
    let other = UnsafeMutablePointer<cllhttp_request>.allocate(capacity: 1)
    defer { unsafe other.deallocate() }
    unsafe cllhttp_read(head, head.count, other)
    harness.measure("http/head by llhttp \(name)", bytes: head.count, repeats: 1000) {
      let error = unsafe head.withUnsafeBufferPointer {
        unsafe cllhttp_read_head($0.baseAddress!, $0.count, other)
      }
      precondition(error == 0)
    }
  }
  benchmarkMessage(harness, request, head)
  benchmarkRequest(harness, head)
}

/// A `tools/call` of 350 bytes.
private let call = Array(
  #"""
  {"method":"tools/call","params":{"name":"query","arguments":{"sql":"SELECT id, status FROM orders WHERE id = 42"},"_meta":{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"mcp-client","version":"0.1.0"},"io.modelcontextprotocol/clientCapabilities":{}}},"jsonrpc":"2.0","id":10001}
  """#.utf8)

/// All of the reading of one request, from its first byte to the era: what every call pays before the policy is asked.
private func benchmarkRequest(_ harness: Harness, _ head: [UInt8]) {
  let limits = HTTPLimits()
  var fields = FieldTable(limits: limits)
  var request = RequestHead()
  var index = JSONIndex()
  let name = "mcp/request \(head.count)+\(call.count) bytes, head to era"
  harness.measure(name, bytes: head.count + call.count, repeats: 1000) {
    var scanned: UInt32 = 0
    let result = unsafe RequestHeadParser.parse(
      head.span.bytes, scannedUpTo: &scanned, limits: limits, into: &request, fields: &fields)
    guard result == .complete, unsafe index.read(call.span.bytes, watch: .none) == nil,
      case .message(let message) = unsafe MCPReader.read(call.span.bytes, index: index),
      case .modern = unsafe EraClassifier.classify(
        request, headBytes: head.span.bytes, message: message, body: call.span.bytes, index: index)
    else { preconditionFailure("not read") }
  }
}

private func benchmarkMessage(_ harness: Harness, _ request: RequestHead, _ head: [UInt8]) {
  let body = call
  var index = JSONIndex()
  precondition(unsafe index.read(body.span.bytes, watch: .none) == nil)
  var message = MCPMessage()
  harness.measure("mcp/message \(body.count) bytes", bytes: body.count, repeats: 1000) {
    guard case .message(let read) = unsafe MCPReader.read(body.span.bytes, index: index) else {
      preconditionFailure("not read")
    }
    message = read
  }
  harness.measure("mcp/era", repeats: 1000) {
    let result = unsafe EraClassifier.classify(
      request, headBytes: head.span.bytes, message: message, body: body.span.bytes, index: index)
    guard case .modern = result else { preconditionFailure("not modern") }
  }
}
