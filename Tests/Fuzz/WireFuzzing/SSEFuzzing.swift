internal import Wire

/// Whatever the bytes are and wherever they are split: the same events with the same data, and bounded memory.
@c(sluice_fuzz_sse)
public func sluiceFuzzSSE(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
  let input = unsafe copied(bytes, count)
  let whole = events(input, step: Int.max)
  for step in [1, 2, 5, 17] {
    hold(events(input, step: step) == whole, "a split changes the events")
  }
  hold(whole.events == reference(input), "the events are not those of the standard's algorithm")
}

private struct Reading: Equatable {
  var events: [Event] = []
  var isTooLarge = false
}

private struct Event: Equatable {
  var name: SSEEventName
  var data: [UInt8]?
  var id: [UInt8]?
  var retry: UInt32?
}

/// Feeds the bytes `step` at a time through a buffer that is cut at its front, as a connection does.
private func events(_ input: [UInt8], step: Int) -> Reading {
  var parser = SSEParser(eventBytesMax: 1 << 20)
  var reading = Reading()
  var buffer: [UInt8] = []
  var at = 0
  let scratch = UnsafeMutableRawPointer.allocate(byteCount: input.count + 1, alignment: 16)
  defer { unsafe scratch.deallocate() }
  while true {
    switch parser.next(buffer.rawBytes) {
    case .event(let event):
      var writer = unsafe ByteWriter(unsafeInto: scratch, capacity: input.count + 1)
      if event.dataLines > 0 { SSEParser.joinData(of: event, in: buffer.rawBytes, into: &writer) }
      hold(!writer.overflowed, "joined data is longer than the stream")
      let data = unsafe Array(UnsafeRawBufferPointer(start: scratch, count: writer.count))
      reading.events.append(
        Event(
          name: event.name, data: event.dataLines > 0 ? data : nil,
          id: event.hasID ? Array(buffer[event.id.range]) : nil,
          retry: event.hasRetry ? event.retryMilliseconds : nil))
    case .tooLarge:
      reading.isTooLarge = true
      return reading
    case .needMore:
      guard at < input.count else { return reading }
      let consumed = parser.consumed
      hold(consumed <= buffer.count, "more is consumed than there is")
      buffer.removeFirst(consumed)
      parser.dropped(consumed)
      let end = at + min(step, input.count - at)
      buffer += input[at..<end]
      at = end
    }
  }
}

/// The algorithm of WHATWG HTML §9.2.6 written down naively: split into lines, then fold them into events.
private func reference(_ input: [UInt8]) -> [Event] {
  var bytes = input[...]
  if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes = bytes.dropFirst(3) }
  var lines: [[UInt8]] = []
  var line: [UInt8] = []
  var index = bytes.startIndex
  while index < bytes.endIndex {
    let byte = bytes[index]
    index += 1
    guard byte == 0x0a || byte == 0x0d else {
      line.append(byte)
      continue
    }
    if byte == 0x0d, index < bytes.endIndex, bytes[index] == 0x0a { index += 1 }
    lines.append(line)
    line = []
  }
  return fold(lines)
}

private func fold(_ lines: [[UInt8]]) -> [Event] {
  var events: [Event] = []
  var event = Event(name: .message)
  var hasFields = false
  for line in lines {
    if line.isEmpty {
      if hasFields { events.append(event) }
      event = Event(name: .message)
      hasFields = false
      continue
    }
    let colon = line.firstIndex(of: 0x3a) ?? line.endIndex
    var value = Array(line[colon...].dropFirst())
    if value.first == 0x20 { value.removeFirst() }
    switch String(decoding: line[..<colon], as: UTF8.self) {
    case "data":
      event.data = event.data.map { $0 + [0x0a] + value } ?? value
    case "event":
      let name = String(decoding: value, as: UTF8.self)
      event.name =
        name.isEmpty || name == "message" ? .message : name == "endpoint" ? .endpoint : .other
    case "id":
      guard !value.contains(0) else { continue }
      event.id = value
    case "retry":
      guard !value.isEmpty, value.count <= 10, value.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
        let number = UInt32(String(decoding: value, as: UTF8.self))
      else { continue }
      event.retry = number
    default: continue
    }
    hasFields = true
  }
  return events
}
