import COpenSSL
internal import JWTKit

/// Bytes that must never be seen: a credential for an upstream server.
///
/// Printing, interpolating, dumping or reflecting it shows `[secret]`; only `reveal` hands out the
/// bytes, so that every place that handles them can be found by that word. The memory is wiped when
/// the last reference goes.
@safe
public final class Secret: Sendable {
  private nonisolated(unsafe) let bytes: UnsafeMutableBufferPointer<UInt8>

  /// Copies the bytes; the caller's copy is the caller's to forget.
  public init(_ bytes: some Collection<UInt8>) {
    unsafe self.bytes = .allocate(capacity: max(1, bytes.count))
    unsafe _ = self.bytes.initialize(fromContentsOf: bytes)
    count = bytes.count
  }

  /// Number of bytes.
  public let count: Int

  deinit {
    unsafe OPENSSL_cleanse(bytes.baseAddress!, bytes.count)
    unsafe bytes.deallocate()
  }

  /// Lends the bytes for the time of the call.
  public func reveal<Result>(_ body: (RawSpan) -> Result) -> Result {
    let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(bytes.baseAddress!), byteCount: count)
    return body(span)
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "[secret]" }
  public var debugDescription: String { "[secret]" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
