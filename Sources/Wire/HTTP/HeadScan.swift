internal import CScan

/// What the kernel's pass over a head came to.
enum HeadScanResult {
  case incomplete
  /// The blank line was seen; so many bytes are the head, and `FieldTable.marks` covers them.
  case complete(Int)
  case refused(HTTPRefusal)
}

/// Runs the marking kernel over what has arrived of a head and remembers how far it got.
enum HeadScan {
  /// Scans on, and has `read` judge the head once it is whole.
  @inline(__always)
  static func parse(
    _ bytes: RawSpan, scannedUpTo: inout UInt32, limits: HTTPLimits, fields: inout FieldTable,
    _ read: (HeadBytes, inout FieldTable) -> HTTPRefusal?
  ) -> HeadResult {
    switch run(bytes, scannedUpTo: &scannedUpTo, limits: limits, fields: &fields) {
    case .incomplete: return .incomplete
    case .refused(let refusal): return .refused(refusal)
    case .complete(let count):
      return unsafe bytes.withUnsafeBytes { buffer in
        let base = unsafe buffer.baseAddress!.assumingMemoryBound(to: UInt8.self)
        let marks = unsafe UnsafePointer(fields.marks.baseAddress!)
        let head = unsafe HeadBytes(base, count: count, marks: marks)
        if let refusal = read(head, &fields) { return .refused(refusal) }
        return .complete
      }
    }
  }

  private static func run(
    _ bytes: RawSpan, scannedUpTo: inout UInt32, limits: HTTPLimits,
    fields: inout FieldTable
  ) -> HeadScanResult {
    let limit = min(limits.headBytesMax, unsafe fields.marks.count * 64)
    let count = min(bytes.byteCount, limit)
    guard count > 0 else { return .incomplete }
    // The marks are scratch that other heads use in between: a head that needed several goes is marked once more.
    let from = Int(scannedUpTo) & ~63
    precondition(from <= count, "scannedUpTo is not of these bytes")
    var scan = unsafe bytes.withUnsafeBytes { buffer in
      unsafe mark(buffer, from, count, fields.marks)
    }
    if scan.head_bytes > 0 && from > 0 {
      scan = unsafe bytes.withUnsafeBytes { buffer in
        unsafe mark(buffer, 0, count, fields.marks)
      }
    }
    if scan.head_bytes > 0 {
      scannedUpTo = UInt32(truncatingIfNeeded: scan.head_bytes)
      return .complete(Int(scan.head_bytes))
    }
    if scan.bad_offset < count { return .refused(badByte(bytes, at: Int(scan.bad_offset))) }
    scannedUpTo = UInt32(truncatingIfNeeded: count)
    return count < limit ? .incomplete : .refused(HTTPRefusal(.headTooLarge, at: count))
  }

  private static func mark(
    _ bytes: UnsafeRawBufferPointer, _ from: Int, _ count: Int,
    _ marks: UnsafeMutableBufferPointer<cscan_http_marks>
  ) -> cscan_http_scan {
    let base = unsafe bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
    return unsafe cscan_http_mark(base, from, count, marks.baseAddress!)
  }

  /// Tells what kind of bad byte stands at `offset`.
  private static func badByte(_ bytes: RawSpan, at offset: Int) -> HTTPRefusal {
    let byte = bytes[byte: offset]
    // The first byte of a TLS record that begins a handshake.
    if offset == 0 && byte == 0x16 { return HTTPRefusal(.tlsOnPlainListener, at: 0) }
    if offset > 0 && bytes[byte: offset - 1] == 0x0d && byte != 0x0a {
      return HTTPRefusal(.bareCarriageReturn, at: offset - 1)
    }
    return HTTPRefusal(byte == 0x0a ? .bareLineFeed : .controlByte, at: offset)
  }
}
