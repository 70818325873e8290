import Glibc
import Testing

@testable import Audit

/// A directory of its own for each test, gone afterwards.
@safe
final class TemporaryDirectory: Sendable {
  let path: String
  var audit: String { path + "/audit" }

  init() throws {
    let base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/sluice-audit-XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) }
    try #require(unsafe made != nil)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for folder in [audit, path] {
      for name in (try? names(in: folder)) ?? [] { unsafe _ = unlink(folder + "/" + name) }
      unsafe _ = rmdir(folder)
    }
  }

  func names(in folder: String) throws -> [String] {
    guard let listing = unsafe opendir(folder) else { return [] }
    defer { unsafe _ = closedir(listing) }
    var names: [String] = []
    while let entry = unsafe readdir(listing) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  var segments: [String] { get throws { try names(in: audit).filter { $0.hasSuffix(".sluice") } } }

  func segment(_ number: UInt32) -> String { audit + "/" + SegmentFormat.name(of: number) }

  func bytes(_ number: UInt32) throws -> [UInt8] {
    let file = unsafe Glibc.open(segment(number), O_RDONLY)
    try #require(file >= 0)
    defer { Glibc.close(file) }
    let size = Int(lseek(file, 0, SEEK_END))
    var bytes = [UInt8](repeating: 0, count: size)
    let got = unsafe pread(file, &bytes, size, 0)
    try #require(got == size)
    return bytes
  }

  func replace(_ number: UInt32, with bytes: [UInt8]) throws {
    let file = unsafe Glibc.open(segment(number), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(file >= 0)
    defer { Glibc.close(file) }
    let put = unsafe write(file, bytes, bytes.count)
    try #require(put == bytes.count)
  }
}
