/// What an HTTP message may cost before its body is looked at. Every limit has an answer for when it is reached.
public struct HTTPLimits: Sendable {
  /// Bytes of a head, from the first byte to the blank line included. Reached: 431 (upstream: 502).
  public var headBytesMax: Int = 32 * 1024
  /// Fields of a head. Reached: 431 (upstream: 502).
  public var fieldCountMax: Int = 128
  /// Bytes of a request target. Reached: 414.
  public var targetBytesMax: Int = 8 * 1024
  /// Bytes of one chunk extension, all its parameters together. Reached: 400.
  public var chunkExtensionBytesMax: Int = 256
  /// Bytes of the trailer section of a chunked body. Reached: 400.
  public var trailerBytesMax: Int = 8 * 1024

  public init() {}
}
