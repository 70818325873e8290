import EventLoop

/// Decodes a chunked body in place: the block's bytes from `bodyStart` on become the plain body.
///
/// Example: `5\r\nhello\r\n0\r\n\r\n` becomes `hello`; `written` never overtakes `read`, so nothing is overwritten
/// that has not been decoded. It resumes wherever the bytes ended.
struct ChunkedBody: BitwiseCopyable {
  enum Progress { case more, complete, malformed }

  private enum State: UInt8 { case size, sizeLine, data, dataEnd, trailerStart, trailerLine }
  private var state = State.size
  private var remaining = 0
  private var digits = 0
  /// The end of the decoded bytes.
  private(set) var written: Int
  /// The next byte to decode.
  private(set) var read: Int

  init(bodyStart: Int) {
    written = bodyStart
    read = bodyStart
  }

  /// Goes on with the block's first `count` bytes.
  mutating func advance(_ block: Block, count: Int) -> Progress {
    let bytes = block.bytes(count)
    while read < count {
      let byte = bytes.byte(read)
      switch state {
      case .size:
        guard takeSizeByte(byte) else { return .malformed }
      case .sizeLine:
        read += 1
        if byte == 0x0A { state = remaining == 0 ? .trailerStart : .data }
      case .data:
        let piece = min(remaining, count - read)
        block.write(bytes.extracting(read..<(read + piece)), at: written)
        written += piece
        read += piece
        remaining -= piece
        if remaining == 0 { state = .dataEnd }
      case .dataEnd:
        read += 1
        guard byte == 0x0D || byte == 0x0A else { return .malformed }
        if byte == 0x0A {
          state = .size
          digits = 0
        }
      case .trailerStart:
        read += 1
        if byte == 0x0A { return .complete }
        if byte != 0x0D { state = .trailerLine }
      case .trailerLine:
        read += 1
        if byte == 0x0A { state = .trailerStart }
      }
    }
    return .more
  }

  private mutating func takeSizeByte(_ byte: UInt8) -> Bool {
    let digit: Int
    switch byte {
    case 0x30...0x39: digit = Int(byte) - 0x30
    case 0x41...0x46: digit = Int(byte) - 0x41 + 10
    case 0x61...0x66: digit = Int(byte) - 0x61 + 10
    default:
      state = .sizeLine
      return digits > 0
    }
    digits += 1
    read += 1
    remaining = remaining * 16 + digit
    return digits <= 8
  }
}
