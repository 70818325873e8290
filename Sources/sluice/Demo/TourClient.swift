import Dispatch
import ExampleServer
import Foundation
import Glibc
import PlainJSON

/// The tour's stand-in for an agent: a very small HTTP client over blocking sockets, one connection per request.
///
/// It is all the tour needs, and nobody should use it for more: it sends one POST with `Connection: close`, reads to the end
/// of the stream, and understands `Content-Length` and chunked bodies. All of this program's socket calls are here.
struct TourClient: Sendable {
  var port: Int
  var path: String
  /// Sent as `Authorization: Bearer …`; nil sends none.
  var key: String?

  /// One HTTP answer.
  struct Reply: Sendable {
    var status: Int
    var body: String

    /// The JSON-RPC message in the body, be it plain or one event of a stream.
    var message: JSONValue? {
      let line = body.split(whereSeparator: \.isNewline).first { $0.hasPrefix("data:") }
      return try? JSONValue(parsing: (line?.dropFirst(5) ?? body[...]).utf8)
    }
  }

  /// Why there was no answer.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// Longer than the gateway holds a call before it has the client ask again.
  static let secondsMax = 60
  /// How long `callAndWait` asks again, in seconds.
  static let patience = 300.0
  static let answerBytesMax = 16 << 20
  static let protocolVersion = "2026-07-28"

  /// Calls one tool and asks again, as clients of the 2026-07-28 revision do, while the answer is `input_required`:
  /// that is how a call waits for an approval.
  func callAndWait(tool: String, arguments: JSONValue) async throws -> Reply {
    let end = ContinuousClock.now + .seconds(Self.patience)
    var reply = try await call(tool: tool, arguments: arguments)
    while reply.message?["result"]?["resultType"] == "input_required",
      let state = reply.message?["result"]?["requestState"]?.text, ContinuousClock.now < end
    {
      reply = try await call(tool: tool, arguments: arguments, state: state)
    }
    return reply
  }

  /// Calls one tool and returns the server's (or the gateway's) answer.
  /// - Parameter state: what an earlier answer gave along with `input_required`.
  func call(tool: String, arguments: JSONValue, state: String? = nil) async throws -> Reply {
    let request = Self.request(tool: tool, arguments: arguments, state: state)
    var head = "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
    for (name, value) in Self.headers(tool: tool) { head += "\(name): \(value)\r\n" }
    if let key { head += "Authorization: Bearer \(key)\r\n" }
    head += "Content-Length: \(request.utf8.count)\r\n\r\n"
    return try await exchange(Array((head + request).utf8))
  }

  /// The headers a call of the 2026-07-28 revision carries, beside the credential.
  static func headers(tool: String) -> [(name: String, value: String)] {
    [
      ("Content-Type", "application/json"),
      ("Accept", "application/json, text/event-stream"),
      ("MCP-Protocol-Version", protocolVersion), ("Mcp-Method", "tools/call"), ("Mcp-Name", tool),
    ]
  }

  /// The JSON-RPC request for a call.
  static func request(tool: String, arguments: JSONValue, state: String? = nil) -> String {
    let metadata: JSONValue = [
      "io.modelcontextprotocol/protocolVersion": .string(protocolVersion),
      "io.modelcontextprotocol/clientInfo": ["name": "sluice-demo", "version": "1"],
      "io.modelcontextprotocol/clientCapabilities": .object([]),
    ]
    let message: JSONValue = [
      "jsonrpc": "2.0", "id": 1, "method": "tools/call",
      "params": state.map { state in
        [
          "name": .string(tool), "arguments": arguments, "requestState": .string(state),
          "_meta": metadata,
        ]
      } ?? ["name": .string(tool), "arguments": arguments, "_meta": metadata],
    ]
    return message.json
  }

  /// Runs the blocking exchange on a thread of its own: the servers in this process need the cooperative ones.
  private func exchange(_ request: [UInt8]) async throws -> Reply {
    let port = port
    return try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(
          with: Result { try Self.reply(from: try Self.roundTrip(request, port: port)) })
      }
    }
  }

  private static func roundTrip(_ request: [UInt8], port: Int) throws -> [UInt8] {
    let descriptor = try connectedSocket(port: port)
    defer { close(descriptor) }
    var sent = 0
    while sent < request.count {
      let count = unsafe request[sent...].withUnsafeBytes { bytes in
        unsafe send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw systemFailure("send") }
      sent += count
    }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe recv(descriptor, &piece, piece.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw systemFailure("receive") }
      guard count > 0 else { return answer }
      answer += piece[..<count]
      guard answer.count <= answerBytesMax else {
        throw Failure(description: "The answer is too long.")
      }
    }
  }

  private static func connectedSocket(port: Int) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw systemFailure("socket") }
    var limit = timeval(tv_sec: secondsMax, tv_usec: 0)
    let limitSize = socklen_t(MemoryLayout<timeval>.size)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, limitSize)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, limitSize)
    var address = loopback(port: port)
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      let failure = systemFailure("connect to port \(port)")
      close(descriptor)
      throw failure
    }
    return descriptor
  }

  /// A port of the loopback interface nobody listens on: `preferred` if that is one.
  static func freePort(preferred: Int = 0) -> Int? {
    for candidate in preferred == 0 ? [0] : [preferred, 0] {
      let descriptor = socket(
        AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { return nil }
      defer { close(descriptor) }
      // Connections of an earlier demo that are still fading away do not keep a port from being used again.
      var isOn: Int32 = 1
      unsafe setsockopt(
        descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<Int32>.size))
      var address = loopback(port: candidate)
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
          unsafe bind(descriptor, generic, size) == 0
            && getsockname(descriptor, generic, &size) == 0
        }
      }
      if isBound { return Int(UInt16(bigEndian: address.sin_port)) }
    }
    return nil
  }

  private static func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  private static func systemFailure(_ operation: String) -> Failure {
    Failure(description: "\(operation): \(unsafe String(cString: strerror(errno)))")
  }
}
