internal import Foundation
internal import Wire

/// What the gateway's reader makes of messages, for others to compare with what theirs makes of them.
///
/// Standard input holds messages, each after its length in four bytes, the lowest first. For each, a line of JSON tells
/// the verdict; of a message that is taken, also its kind, method, id, name, uri and arguments, printed afresh from what
/// was read, so that nothing of the input's own writing is left but numbers.
@main
enum JSONReader {
  static func main() throws {
    let input = try FileHandle.standardInput.readToEnd().map { Array($0) } ?? []
    var index = JSONIndex(limits: JSONLimits())
    var output: [UInt8] = []
    var at = 0
    while at < input.count {
      precondition(input.count - at >= 4, "a length is cut off")
      let count = (0..<4).reduce(0) { $0 | Int(input[at + $1]) << (8 * $1) }
      precondition(count <= input.count - at - 4, "a message is cut off")
      let message = Array(input[at + 4..<at + 4 + count])
      reading(of: message, &index).print(into: &output)
      output.append(UInt8(ascii: "\n"))
      at += 4 + count
    }
    try FileHandle.standardOutput.write(contentsOf: Data(output))
  }

  private static func reading(of message: [UInt8], _ index: inout JSONIndex) -> Reading {
    let bytes = unsafe message.span.bytes
    if index.read(bytes, watch: .none) != nil { return Reading(verdict: "not JSON") }
    switch MCPReader.read(bytes, index: index) {
    case .refused(let refusal): return Reading(verdict: "refused", reason: "\(refusal.reason)")
    case .message(let read):
      var reading = Reading(verdict: "message")
      let printer = Printer(document: message)
      reading.kind = "\(read.kind)"
      reading.id = Array(message[Int(read.id.offset)..<Int(read.id.offset + read.id.count)])
      reading.parts = [
        ("method", read.methodToken), ("name", read.name), ("uri", read.uri),
        ("arguments", read.arguments), ("result", read.result), ("error", read.error),
      ].compactMap { name, token in
        token.map { (name, printer.text(of: $0, in: index)) }
      }
      return reading
    }
  }
}

/// A line of the output.
private struct Reading {
  var verdict: String
  var reason: String?
  var kind: String?
  var id: [UInt8] = []
  var parts: [(name: String, text: [UInt8])] = []

  func print(into output: inout [UInt8]) {
    output += Array("{\"verdict\":\"\(verdict)\"".utf8)
    if let reason { output += Array(",\"reason\":\"\(reason)\"".utf8) }
    if let kind { output += Array(",\"kind\":\"\(kind)\"".utf8) }
    if !id.isEmpty { output += Array(",\"id\":".utf8) + id }
    for part in parts { output += Array(",\"\(part.name)\":".utf8) + part.text }
    output.append(UInt8(ascii: "}"))
  }
}

/// Writes a value again from its tokens: strings unescaped and escaped, nothing copied but numbers.
private struct Printer {
  let document: [UInt8]

  func text(of token: JSONToken, in index: borrowing JSONIndex) -> [UInt8] {
    let bytes = unsafe document.span.bytes
    switch index.kind(of: token, in: bytes) {
    case .object:
      var members: [[UInt8]] = []
      var key = index.firstMember(of: token, in: bytes)
      while let here = key {
        let value = text(of: index.value(ofKey: here), in: index)
        members.append(string(here, in: index) + [UInt8(ascii: ":")] + value)
        key = index.nextMember(after: here, in: bytes)
      }
      return enclosed("{", members, "}")
    case .array:
      var elements: [[UInt8]] = []
      var element = index.firstElement(of: token, in: bytes)
      while let here = element {
        elements.append(text(of: here, in: index))
        element = index.nextElement(after: here, in: bytes)
      }
      return enclosed("[", elements, "]")
    case .string: return string(token, in: index)
    case .number:
      let range = index.range(of: token)
      return Array(document[Int(range.offset)..<Int(range.offset + range.count)])
    case .true: return Array("true".utf8)
    case .false: return Array("false".utf8)
    case .null: return Array("null".utf8)
    }
  }

  private func enclosed(_ open: String, _ parts: [[UInt8]], _ close: String) -> [UInt8] {
    Array(open.utf8) + parts.joined(separator: [UInt8(ascii: ",")]) + Array(close.utf8)
  }

  private func string(_ token: JSONToken, in index: borrowing JSONIndex) -> [UInt8] {
    let bytes = unsafe document.span.bytes
    let text = written(Int(index.contents(of: token).count)) {
      index.decode(token, in: bytes, into: &$0)
    }
    let escaped = written(6 * text.count) {
      unsafe JSONEscaping.escape(text.span.bytes, into: &$0)
    }
    return [UInt8(ascii: "\"")] + escaped + [UInt8(ascii: "\"")]
  }

  private func written(_ capacity: Int, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity + 1, alignment: 1)
    defer { unsafe memory.deallocate() }
    var writer = unsafe ByteWriter(unsafeInto: memory, capacity: capacity)
    body(&writer)
    precondition(!writer.overflowed, "the room was too small")
    return unsafe Array(UnsafeRawBufferPointer(start: memory, count: writer.count))
  }
}
