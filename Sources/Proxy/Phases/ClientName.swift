internal import EventLoop
internal import Wire

/// What program is calling, for the record: its own word, which decides nothing.
extension Worker {
  static var clientArea: Int { 13312 }
  static var clientBytesMax: Int { 256 }

  /// `name/version` as the message says (`clientInfo`), else the User-Agent field; empty when neither is there. In working
  /// memory that the next call overwrites, or in `head`.
  @_lifetime(copy head)
  func clientName(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) -> RawSpan {
    let agent = head.extracting(exchanges[slot].head.userAgent.range)
    guard let info = message.clientInfo, requestIndex.kind(of: info, in: body) == .object,
      let name = requestIndex.member("name", of: info, in: body),
      requestIndex.kind(of: name, in: body) == .string
    else { return agent }
    var writer = unsafe ByteWriter(
      unsafeInto: scratch.unsafeStart + Worker.clientArea, capacity: Worker.clientBytesMax)
    requestIndex.decode(name, in: body, into: &writer)
    if let version = requestIndex.member("version", of: info, in: body),
      requestIndex.kind(of: version, in: body) == .string
    {
      writer.append(0x2F)
      requestIndex.decode(version, in: body, into: &writer)
    }
    let count = writer.count
    return count == 0 ? agent : scratchBytes(Worker.clientArea, count)
  }
}
