/// What a chunked decoder made of the bytes it was given.
public enum ChunkStep: BitwiseCopyable, Equatable, Sendable {
  /// A stretch of body bytes, never empty; as long as it can be.
  case data(ByteRange)
  /// Everything given is used up and the body has not ended: call again with more.
  case needMore
  /// The body has ended, trailer section and all; what follows belongs to the next message.
  case end
  /// The framing is broken: close the connection, fail the exchange.
  case malformed(ChunkViolation)
}

/// What is wrong with a chunked body.
public enum ChunkViolation: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case size, sizeTooLarge, extensionMalformed, extensionTooLong, dataEnd
  case trailer, trailerForbidden, trailerTooLong

  public var description: StaticString {
    switch self {
    case .size: "a chunk size is not a hexadecimal number"
    case .sizeTooLarge: "a chunk size has more than eight digits"
    case .extensionMalformed: "a chunk extension holds a byte it may not hold"
    case .extensionTooLong: "a chunk extension is longer than the limit"
    case .dataEnd: "a chunk does not end where its size says"
    case .trailer: "a trailer field is malformed"
    case .trailerForbidden: "a trailer field tells about framing, routing or identity"
    case .trailerTooLong: "the trailer section is longer than the limit"
    }
  }
}

/// Takes the framing of a chunked body (RFC 9112 §7.1) away, wherever the bytes were split.
///
/// Example: `5;x=1\r\nhello\r\n0\r\n\r\n` gives data `hello`, then the end. Extensions and trailers are checked, bounded,
/// and dropped. Stricter than the RFC: at most eight digits, no white space around the size or the extension's
/// semicolon, no escapes in extensions, CRLF always.
public struct ChunkedDecoder: BitwiseCopyable, Sendable {
  private enum State: UInt8 {
    case sizeStart, size, sizeFeed
    case extensionStart, extensionName, extensionValueStart, extensionValue, quoted, quotedEnd
    case data, dataReturn, dataFeed
    case trailerStart, trailerName, trailerValue, trailerFeed, lastFeed
    case ended, failed
  }

  private var state = State.sizeStart
  private var digits: UInt8 = 0
  private var violation = ChunkViolation.size
  /// Bytes of the chunk's data still to come.
  private var remaining: UInt64 = 0
  /// Bytes of this chunk's extension, or of the trailer section, so far.
  private var overhead = 0
  /// FNV-1a of the trailer field's name so far, in lower case.
  private var nameHash: UInt64 = 0
  private let extensionBytesMax: Int
  private let trailerBytesMax: Int

  public init(limits: HTTPLimits) {
    extensionBytesMax = limits.chunkExtensionBytesMax
    trailerBytesMax = limits.trailerBytesMax
  }

  /// Whether the body has ended.
  public var hasEnded: Bool { state == .ended }

  /// Goes on at `bytes[at]`, leaves `at` behind what it used, and says what it found. Call until `needMore`.
  public mutating func next(_ bytes: RawSpan, at: inout Int) -> ChunkStep {
    let count = bytes.byteCount
    precondition(at >= 0 && at <= count)
    while true {
      if state == .ended { return .end }
      if state == .failed { return .malformed(violation) }
      guard at < count else { return .needMore }
      if state == .data {
        let length = min(count &- at, Int(clamping: remaining))
        let range = ByteRange(at..<at &+ length)
        at &+= length
        remaining &-= UInt64(length)
        if remaining == 0 { state = .dataReturn }
        return .data(range)
      }
      take(bytes[byte: at])
      at &+= 1
    }
  }

  /// Moves on by one byte of framing.
  private mutating func take(_ byte: UInt8) {
    switch state {
    case .sizeStart, .size: takeSize(byte)
    case .extensionStart, .extensionName, .extensionValueStart, .extensionValue, .quoted,
      .quotedEnd:
      takeExtension(byte)
    case .sizeFeed:
      guard byte == 0x0a else { return fail(.size) }
      overhead = 0
      state = remaining == 0 ? .trailerStart : .data
    case .dataReturn: expect(byte, 0x0d, then: .dataFeed, orElse: .dataEnd)
    case .dataFeed:
      digits = 0
      expect(byte, 0x0a, then: .sizeStart, orElse: .dataEnd)
    case .trailerStart, .trailerName, .trailerValue: takeTrailer(byte)
    case .trailerFeed: expect(byte, 0x0a, then: .trailerStart, orElse: .trailer)
    case .lastFeed: expect(byte, 0x0a, then: .ended, orElse: .trailer)
    case .data, .ended, .failed: preconditionFailure("handled by next")
    }
  }

  private mutating func takeSize(_ byte: UInt8) {
    if let digit = RequestTarget.hexadecimal(byte) {
      if state == .sizeStart {
        remaining = 0
        overhead = 0
        state = .size
      }
      guard digits < 8 else { return fail(.sizeTooLarge) }
      digits &+= 1
      remaining = remaining &<< 4 | UInt64(digit)
    } else if state == .size && byte == 0x0d {
      state = .sizeFeed
    } else if state == .size && byte == 0x3b {
      state = .extensionStart
    } else {
      fail(.size)
    }
  }

  /// `;name`, `;name=token` or `;name="text"`, any number of them (RFC 9112 §7.1.1). No escapes in the text.
  private mutating func takeExtension(_ byte: UInt8) {
    overhead &+= 1
    guard overhead <= extensionBytesMax else { return fail(.extensionTooLong) }
    switch (state, byte) {
    case (.extensionName, 0x0d), (.extensionValue, 0x0d), (.quotedEnd, 0x0d): state = .sizeFeed
    case (.extensionName, 0x3b), (.extensionValue, 0x3b), (.quotedEnd, 0x3b):
      state = .extensionStart
    case (.extensionName, 0x3d): state = .extensionValueStart
    case (.extensionValueStart, 0x22): state = .quoted
    case (.quoted, 0x22): state = .quotedEnd
    case (.quoted, _):
      if byte < 0x20 || byte > 0x7e || byte == 0x5c { fail(.extensionMalformed) }
    case (.extensionStart, _) where isTokenByte(byte): state = .extensionName
    case (.extensionValueStart, _) where isTokenByte(byte): state = .extensionValue
    case (.extensionName, _) where isTokenByte(byte), (.extensionValue, _) where isTokenByte(byte):
      break
    default: fail(.extensionMalformed)
    }
  }

  private mutating func takeTrailer(_ byte: UInt8) {
    overhead &+= 1
    guard overhead <= trailerBytesMax else { return fail(.trailerTooLong) }
    switch (state, byte) {
    case (.trailerStart, 0x0d): state = .lastFeed
    case (.trailerName, 0x3a):
      if Self.isForbidden(nameHash) { return fail(.trailerForbidden) }
      state = .trailerValue
    case (.trailerValue, 0x0d): state = .trailerFeed
    case (.trailerValue, _):
      if (byte < 0x20 && byte != 0x09) || byte == 0x7f { fail(.trailer) }
    default:
      guard isTokenByte(byte) else { return fail(.trailer) }
      if state == .trailerStart { nameHash = Self.hashStart }
      nameHash = Self.hash(nameHash, byte)
      state = .trailerName
    }
  }

  private static var hashStart: UInt64 { 0xcbf2_9ce4_8422_2325 }

  private static func hash(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
    let folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    return (hash ^ UInt64(folded)) &* 0x0000_0100_0000_01b3
  }

  /// Fields that must not be in a trailer section (RFC 9110 §6.5.1): ours drops trailers, but a body that tries is one that
  /// somebody hopes is read differently.
  private static func isForbidden(_ hash: UInt64) -> Bool {
    func isName(_ name: StaticString) -> Bool {
      var expected = hashStart
      for index in 0..<name.utf8CodeUnitCount {
        expected = unsafe Self.hash(expected, name.utf8Start[index])
      }
      return hash == expected
    }
    return isName("content-length") || isName("transfer-encoding") || isName("host")
      || isName("connection") || isName("upgrade") || isName("authorization")
      || isName("content-type") || isName("content-encoding")
  }

  private mutating func expect(
    _ byte: UInt8, _ wanted: UInt8, then next: State, orElse violation: ChunkViolation
  ) {
    if byte == wanted { state = next } else { fail(violation) }
  }

  private mutating func fail(_ violation: ChunkViolation) {
    self.violation = violation
    state = .failed
  }
}
