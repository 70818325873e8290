internal import Foundation
internal import Glibc

/// Appends events to a file, one line of JSON each, and begins a new one when it is long.
final class FileReceiver: SinkReceiver {
  private let settings: FileSettings
  private let gateway: String
  private let contents: Bool
  private var file: Int32 = -1
  private var fileBytes = 0
  private(set) var handedOver: UInt64 = 0

  /// Longest line.
  private static let lineBytesMax = 4 << 20

  init(_ settings: FileSettings, gateway: String, contents: Bool) {
    self.settings = settings
    self.gateway = gateway
    self.contents = contents
  }

  deinit { if file >= 0 { close(file) } }

  func taken() -> UInt64 { handedOver }

  func connect() throws(SinkError) {
    if file >= 0 { close(file) }
    file = unsafe open(settings.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure("open") }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else { throw failure("examine") }
    fileBytes = status.st_size
    try cutTornLine()
  }

  /// A crash may have left half a line; it is sent again whole.
  private func cutTornLine() throws(SinkError) {
    var end = fileBytes
    var block = [UInt8](repeating: 0, count: 4096)
    while end > 0 {
      let count = min(block.count, end)
      let got = unsafe block.withUnsafeMutableBytes {
        unsafe pread(file, $0.baseAddress, count, end - count)
      }
      guard got == count else { throw failure("read") }
      if let lineFeed = block[..<got].lastIndex(of: 0x0A) {
        end = end - count + lineFeed + 1
        break
      }
      end -= count
    }
    guard end < fileBytes else { return }
    guard ftruncate(file, end) == 0 else { throw failure("repair") }
    fileBytes = end
  }

  func deliver(_ events: [AuditEvent]) throws(SinkError) {
    var text: [UInt8] = []
    for event in events {
      text += EventJSON.line(
        event, gateway: gateway, contents: contents, bytesMax: Self.lineBytesMax)
      text.append(0x0A)
      if fileBytes + text.count >= settings.fileBytesMax {
        try write(text)
        text.removeAll(keepingCapacity: true)
        try rotate()
      }
    }
    try write(text)
    guard fdatasync(file) == 0 else { throw failure("sync") }
    handedOver += UInt64(events.count)
  }

  private func write(_ bytes: [UInt8]) throws(SinkError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("write") }
      fileBytes += count
      rest = rest.dropFirst(count)
    }
  }

  private func rotate() throws(SinkError) {
    guard fdatasync(file) == 0 else { throw failure("sync") }
    let path = settings.path
    unsafe _ = unlink("\(path).\(settings.filesKept)")
    for number in stride(from: settings.filesKept - 1, through: 1, by: -1) {
      unsafe _ = rename("\(path).\(number)", "\(path).\(number + 1)")
    }
    guard unsafe rename(path, "\(path).1") == 0 else { throw failure("rename") }
    try connect()
  }

  private func failure(_ what: String) -> SinkError {
    let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "errno \(errno)"
    return SinkError("cannot \(what) \(settings.path): \(reason)")
  }
}
