import CScan

/// Writing text into JSON strings.
public struct JSONEscaping {
  /// Writes `text` (valid UTF-8) as the contents of a JSON string, without quotes. Escapes only what RFC 8259
  /// demands: the quote, the backslash and control characters.
  public static func escape(_ text: RawSpan, into writer: inout ByteWriter) {
    unsafe text.withUnsafeBytes { buffer in
      guard let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
        return
      }
      unsafe writer.appendUnsafely { place, room in
        let written = unsafe sluice_escape(
          start, buffer.count, place.assumingMemoryBound(to: UInt8.self), room)
        return written < 0 ? nil : written
      }
    }
  }
}
