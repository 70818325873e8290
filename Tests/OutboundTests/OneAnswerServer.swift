import Glibc
import Synchronization

/// Answers one connection on loopback with bytes it was given, and keeps what it was asked.
final class OneAnswerServer: Sendable {
  let port: UInt16
  private let listener: Int32
  private let answer: [UInt8]
  private let request = Mutex<[UInt8]>([])

  /// - Parameter answer: what it sends once it has read the end of a head, before it closes.
  init(_ answer: String) {
    self.answer = Array(answer.utf8)
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        precondition(unsafe bind(descriptor, address, length) == 0)
        precondition(unsafe getsockname(descriptor, address, &length) == 0)
      }
    }
    listen(descriptor, 1)
    listener = descriptor
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(listener) }

  /// Serves one connection, on the calling thread.
  func serve() {
    let connection = accept(listener, nil, nil)
    guard connection >= 0 else { return }
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !asked.contains("\r\n\r\n") {
      let count = unsafe recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      request.withLock { $0 += buffer.prefix(count) }
    }
    _ = unsafe send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
    close(connection)
  }

  var asked: String { request.withLock { String(decoding: $0, as: UTF8.self) } }
}
