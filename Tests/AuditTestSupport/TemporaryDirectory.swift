import Audit
import Glibc

// No Foundation here: it and Audit's C shims see the C library with different feature macros, which Swift's importer does
// not take in tests that look inside Audit.

/// A directory of its own for each test, gone afterwards.
@safe
public final class TemporaryDirectory: Sendable {
  public let path: String
  public var audit: String { path + "/audit" }

  /// A file or folder that could not be made, read or written.
  public struct Failure: Error {
    public let path: String
  }

  public init() throws {
    let base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/sluice-audit-XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) }
    guard unsafe made != nil else { throw Failure(path: base) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { TemporaryDirectory.remove(path) }

  private static func remove(_ folder: String) {
    for name in names(in: folder) where unsafe unlink(folder + "/" + name) != 0 {
      remove(folder + "/" + name)
    }
    unsafe _ = rmdir(folder)
  }

  /// What is in a folder, in order; nothing when it is not there.
  public static func names(in folder: String) -> [String] {
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

  /// The names of the record's segments, the oldest first.
  public var segments: [String] {
    TemporaryDirectory.names(in: audit).filter { $0.hasSuffix(".sluice") }
  }

  public func segment(_ number: UInt32) -> String { audit + "/" + SegmentFormat.name(of: number) }

  public func bytes(_ number: UInt32) throws -> [UInt8] {
    let file = unsafe Glibc.open(segment(number), O_RDONLY)
    guard file >= 0 else { throw Failure(path: segment(number)) }
    defer { Glibc.close(file) }
    let size = Int(lseek(file, 0, SEEK_END))
    var bytes = [UInt8](repeating: 0, count: size)
    let got = unsafe pread(file, &bytes, size, 0)
    guard got == size else { throw Failure(path: segment(number)) }
    return bytes
  }

  public func replace(_ number: UInt32, with bytes: [UInt8]) throws {
    let file = unsafe Glibc.open(segment(number), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard file >= 0 else { throw Failure(path: segment(number)) }
    defer { Glibc.close(file) }
    let put = unsafe write(file, bytes, bytes.count)
    guard put == bytes.count else { throw Failure(path: segment(number)) }
  }
}
