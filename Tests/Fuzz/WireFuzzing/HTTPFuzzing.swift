internal import CLLHTTP
internal import Wire

/// Two rules for any bytes at all:
///
/// 1. However the bytes arrive, the request reads the same.
/// 2. What ours accepts, llhttp accepts, and both agree on method, target, version, framing, persistence, fields and the
///    body. The other way round does not hold: ours is stricter (request targets, names, white space, numbers, leading
///    empty lines, folding, repeated fields, chunk sizes; `HTTPRefusalReason` lists it all).
@c(sluice_fuzz_http)
public func sluiceFuzzHTTP(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
  let input = unsafe copied(bytes, count)
  let limits = HTTPLimits()
  var fields = FieldTable(limits: limits)
  var head = RequestHead()
  var scanned: UInt32 = 0
  let result = RequestHeadParser.parse(
    input.rawBytes, scannedUpTo: &scanned, limits: limits, into: &head, fields: &fields)
  checkSplits(input, result, limits)
  readAsResponse(input, limits)
  guard result == .complete else { return }
  compareWithLLHTTP(input, head, fields, limits)
}

/// Shows the parser a shorter piece first; where it is cut comes from the input itself, so that libFuzzer can steer it.
private func checkSplits(_ input: [UInt8], _ whole: HeadResult, _ limits: HTTPLimits) {
  guard input.count > 1 else { return }
  var fields = FieldTable(limits: limits)
  let seed = Int(input[input.count - 1]) + Int(input[input.count / 2]) * 256
  for cut in [seed % input.count, 1, input.count - 1, 64 % input.count] {
    var head = RequestHead()
    var scanned: UInt32 = 0
    var result = RequestHeadParser.parse(
      input.rawBytes.extracting(0..<cut), scannedUpTo: &scanned, limits: limits, into: &head,
      fields: &fields)
    if result == .incomplete {
      result = RequestHeadParser.parse(
        input.rawBytes, scannedUpTo: &scanned, limits: limits, into: &head, fields: &fields)
    }
    hold(result == whole, "a split changes what a head reads as")
  }
}

private func readAsResponse(_ input: [UInt8], _ limits: HTTPLimits) {
  var fields = FieldTable(limits: limits)
  var head = ResponseHead()
  var scanned: UInt32 = 0
  let result = ResponseHeadParser.parse(
    input.rawBytes, scannedUpTo: &scanned, limits: limits, into: &head, fields: &fields)
  guard result == .complete else { return }
  hold(head.status >= 100 && head.status < 600, "a status is out of range")
  for index in 0..<fields.count {
    hold(Int(fields[index].value.end) <= Int(head.headBytes), "a value lies outside the head")
  }
}

private func compareWithLLHTTP(
  _ input: [UInt8], _ head: RequestHead, _ fields: borrowing FieldTable, _ limits: HTTPLimits
) {
  guard cllhttp_is_available() != 0 else { return }
  let other = UnsafeMutablePointer<cllhttp_request>.allocate(capacity: 1)
  defer { unsafe other.deallocate() }
  unsafe cllhttp_read(input, input.count, other)
  // llhttp knows only the methods of its list; ours takes any token and leaves it to the proxy, which answers 405.
  if head.method == .other {
    var end = 0
    while input[end] != 0x20 { end += 1 }
    if unsafe cllhttp_method_number(input, end) < 0 { return }
  }
  hold(unsafe other.pointee.has_head != 0, "llhttp refuses a head that ours accepts")
  hold(unsafe Int(other.pointee.minor_version) == Int(head.minorVersion), "versions differ")
  if !hasTab(input, in: .connection, fields) {
    hold(unsafe (other.pointee.keep_alive != 0) == head.keepAlive, "persistence differs")
  }
  compareTarget(input, head, unsafe other.pointee.url)
  unsafe compareFields(input, fields, other)
  unsafe compareBody(input, head, other, limits)
}

/// Whether a tab stands in or behind a field of this name. llhttp reads `close` with a tab behind it as an option it does
/// not know; it is optional white space (RFC 9110 §5.6.3).
private func hasTab(
  _ input: [UInt8], in name: HTTPFieldName, _ fields: borrowing FieldTable
) -> Bool {
  for index in 0..<fields.count where fields[index].known == name {
    let start = Int(fields[index].value.offset)
    let end = input[start...].firstIndex { $0 == 0x0d || $0 == 0x0a } ?? input.endIndex
    if input[start..<end].contains(0x09) { return true }
  }
  return false
}

private func compareTarget(_ input: [UInt8], _ head: RequestHead, _ url: cllhttp_range) {
  hold(url.offset == head.target.offset, "targets begin at different places")
  let hasQuery = head.query.offset > head.target.end
  hold(url.offset + url.count == (hasQuery ? head.query.end : head.target.end), "targets differ")
}

private func compareFields(
  _ input: [UInt8], _ fields: borrowing FieldTable, _ other: UnsafeMutablePointer<cllhttp_request>
) {
  hold(unsafe Int(other.pointee.field_count) == fields.count, "field counts differ")
  unsafe withUnsafeMutablePointer(to: &other.pointee.names) { names in
    unsafe withUnsafeMutablePointer(to: &other.pointee.values) { values in
      let allNames = unsafe UnsafeRawPointer(names).assumingMemoryBound(to: cllhttp_range.self)
      let allValues = unsafe UnsafeRawPointer(values).assumingMemoryBound(to: cllhttp_range.self)
      for index in 0..<fields.count {
        let field = fields[index]
        let name = unsafe allNames[index]
        let value = unsafe allValues[index]
        hold(name.offset == field.name.offset && name.count == field.name.count, "names differ")
        // llhttp leaves white space at a value's end to its caller.
        var end = Int(value.offset + value.count)
        while end > Int(value.offset), input[end - 1] == 0x20 || input[end - 1] == 0x09 { end -= 1 }
        hold(end - Int(value.offset) == Int(field.value.count), "value lengths differ")
        if field.value.count > 0 {
          hold(value.offset == field.value.offset, "values begin at different places")
        }
      }
    }
  }
}

private func compareBody(
  _ input: [UInt8], _ head: RequestHead, _ other: UnsafeMutablePointer<cllhttp_request>,
  _ limits: HTTPLimits
) {
  switch head.framing {
  case .none:
    hold(unsafe other.pointee.has_length == 0 && other.pointee.is_chunked == 0, "framing differs")
  case .length(let length):
    hold(unsafe other.pointee.has_length != 0 && other.pointee.is_chunked == 0, "framing differs")
    // llhttp counts its field down while it reads the body; the head's callback saw it whole.
    hold(unsafe other.pointee.content_length == length, "lengths differ")
  case .chunked:
    hold(unsafe other.pointee.has_length == 0 && other.pointee.is_chunked != 0, "framing differs")
    unsafe compareChunks(input, head, other, limits)
  }
}

private func compareChunks(
  _ input: [UInt8], _ head: RequestHead, _ other: UnsafeMutablePointer<cllhttp_request>,
  _ limits: HTTPLimits
) {
  let whole = decode(input, Int(head.headBytes), step: Int.max, limits)
  for step in [1, 3, 7] {
    hold(decode(input, Int(head.headBytes), step: step, limits) == whole, "a split changes a body")
  }
  guard whole.hasEnded, whole.body.count < Int(CLLHTTP_BODY_MAX) else { return }
  hold(unsafe other.pointee.error == 0, "llhttp refuses chunks that ours accepts")
  hold(unsafe other.pointee.is_complete != 0, "ours ends a body that llhttp does not")
  hold(unsafe Int(other.pointee.body_count) == whole.body.count, "body lengths differ")
  let theirs = unsafe cllhttp_body(other)!
  for index in 0..<whole.body.count {
    hold(unsafe theirs[index] == whole.body[index], "bodies differ")
  }
}

private struct Decoded: Equatable {
  var body: [UInt8] = []
  var hasEnded = false
  var violation: ChunkViolation?
}

/// Decodes the chunks from `start` on, `step` bytes at a time.
private func decode(_ input: [UInt8], _ start: Int, step: Int, _ limits: HTTPLimits) -> Decoded {
  var decoder = ChunkedDecoder(limits: limits)
  var decoded = Decoded()
  var at = start
  var end = start
  while true {
    switch decoder.next(input.rawBytes.extracting(0..<end), at: &at) {
    case .data(let range): decoded.body += input[range.range]
    case .end:
      decoded.hasEnded = true
      return decoded
    case .malformed(let violation):
      decoded.violation = violation
      return decoded
    case .needMore:
      hold(at == end, "the decoder asks for more and leaves bytes")
      guard end < input.count else { return decoded }
      end += min(step, input.count - end)
    }
  }
}
