internal import EventLoop
internal import Glibc
internal import Policy
internal import Wire

/// The fields `Mcp-Param-…` of modern calls: checked against the tool's schema where a list that came through this worker has
/// told it, else only against the call's arguments.
///
///     schema known    what it declares is there and equal, or absent with its argument; other fields go along unread
///     unknown         every field must repeat some argument, whichever
///
/// A schema may have changed since, and another worker may have seen the newer list. So a tool's schema is forgotten when a call
/// is refused by it: clients list again and repeat the call once, and then the server judges.
extension Worker {
  private static var mark: StaticString { "x-mcp-header" }
  /// Properties inside properties that are looked into.
  private static var depthMax: Int { 8 }

  // MARK: Checking

  /// Whether the fields of a call say what its arguments do.
  mutating func parametersAgree(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) -> Bool {
    guard message.method == .toolsCall else { return true }
    let server = route(of: slot).server.index
    let isCurrent = exchanges[slot].generation == generations.current
    guard isCurrent, parameterSchemas.knows(server) else {
      return !exchanges[slot].head.hasParameters || repeatArguments(head, body, message)
    }
    let tool = targetName(message, body)
    guard let entry = parameterSchemas.find(server, tool) else {
      return !exchanges[slot].head.hasParameters || repeatArguments(head, body, message)
    }
    guard readFieldsAgain(head) else { return false }
    var number = entry + 1
    while number < parameterSchemas.count, !parameterSchemas[number].field.isEmpty {
      let wanted = parameterSchemas[number]
      let argument = argument(
        at: parameterSchemas.text(wanted.path), of: message.arguments, body)
      guard
        ParameterFields.repeats(
          requestFields, headBytes: head, name: parameterSchemas.text(wanted.field),
          argument: argument, body: body, index: requestIndex)
      else {
        parameterSchemas.forget(server, tool)
        return false
      }
      number += 1
    }
    return true
  }

  private mutating func repeatArguments(
    _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) -> Bool {
    guard readFieldsAgain(head) else { return false }
    return ParameterFields.agree(
      requestFields, headBytes: head, arguments: message.arguments, body: body,
      index: requestIndex)
  }

  /// The argument that a path leads to; nil where there is none.
  private func argument(
    at path: RawSpan, of arguments: JSONToken?, _ body: RawSpan
  ) -> JSONToken? {
    var here = arguments
    var at = 0
    while at + 2 <= path.byteCount, let object = here {
      guard requestIndex.kind(of: object, in: body) == .object else { return nil }
      let count =
        unsafe Int(path.unsafeLoad(fromByteOffset: at, as: UInt8.self)) << 8
        | Int(path.unsafeLoad(fromByteOffset: at + 1, as: UInt8.self))
      let name = path.extracting(at + 2..<at + 2 + count)
      here = nil
      var member = requestIndex.firstMember(of: object, in: body)
      while let key = member {
        if requestIndex.equals(key, utf8: name, in: body) {
          here = requestIndex.value(ofKey: key)
          break
        }
        member = requestIndex.nextMember(after: key, in: body)
      }
      at += 2 + count
    }
    return here
  }

  // MARK: Learning

  /// Whether the word stands anywhere in a message. It is looked for from hyphen to hyphen, of which lists have few.
  private static func declaresParameters(_ message: RawSpan) -> Bool {
    let word = Worker.mark
    let count = word.utf8CodeUnitCount
    return unsafe message.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return false }
      var at = 1
      while at &+ count &- 1 <= bytes.count,
        let found = unsafe memchr(start + at, Int32(UInt8(ascii: "-")), bytes.count &- at)
      {
        let hyphen = unsafe UnsafeRawPointer(found) - start
        if hyphen &+ count &- 1 <= bytes.count,
          unsafe memcmp(start + hyphen - 1, word.utf8Start, count) == 0
        {
          return true
        }
        at = hyphen &+ 1
      }
      return false
    }
  }

  /// Learns from a list of tools that `answerIndex` has read, before anything is taken out of it.
  mutating func learnParameters(_ exchange: UInt32, _ message: RawSpan) {
    guard exchanges[exchange].generation == generations.current else { return }
    let server = route(of: exchange).server.index
    guard Worker.declaresParameters(message) || parameterSchemas.knows(server) else { return }
    var hash = CallMark(key: markKey)
    hash.add(message)
    guard !parameterSchemas.isSame(hash.finish(), server),
      let result = answerIndex.member("result", of: answerIndex.root, in: message),
      answerIndex.kind(of: result, in: message) == .object,
      let tools = answerIndex.member("tools", of: result, in: message),
      answerIndex.kind(of: tools, in: message) == .array
    else { return }
    var element = answerIndex.firstElement(of: tools, in: message)
    while let tool = element {
      guard learn(tool, server, message) else { return }
      element = answerIndex.nextElement(after: tool, in: message)
    }
  }

  /// False when there is no room for more.
  private mutating func learn(_ tool: JSONToken, _ server: UInt32, _ message: RawSpan) -> Bool {
    guard answerIndex.kind(of: tool, in: message) == .object,
      let name = answerIndex.member("name", of: tool, in: message),
      answerIndex.kind(of: name, in: message) == .string
    else { return true }
    guard let kept = parameterSchemas.keep({ answerIndex.decode(name, in: message, into: &$0) })
    else { return false }
    // What was known of it, under the same name.
    let text = unsafe _overrideLifetime(parameterSchemas.text(kept), copying: ())
    parameterSchemas.forget(server, text)
    guard parameterSchemas.add(ParameterSchemas.Entry(server: server, tool: kept)) else {
      return false
    }
    guard let schema = answerIndex.member("inputSchema", of: tool, in: message) else { return true }
    var path = ParameterPath()
    let goesOn = learn(propertiesOf: schema, &path, server, kept, message)
    // Clients repeat nothing of a tool of which they cannot repeat all, so nothing is asked of them.
    if goesOn, path.isMalformed { parameterSchemas.forget(server, text) }
    return goesOn
  }

  private mutating func learn(
    propertiesOf schema: JSONToken, _ path: inout ParameterPath, _ server: UInt32,
    _ tool: ByteRange, _ message: RawSpan
  ) -> Bool {
    guard path.count < Worker.depthMax, answerIndex.kind(of: schema, in: message) == .object,
      let properties = answerIndex.member("properties", of: schema, in: message),
      answerIndex.kind(of: properties, in: message) == .object
    else { return true }
    var member = answerIndex.firstMember(of: properties, in: message)
    while let key = member {
      let property = answerIndex.value(ofKey: key)
      path.keys[path.count] = key
      path.count += 1
      if isMalformed(property, message) { path.isMalformed = true }
      guard learn(property, path, server, tool, message),
        learn(propertiesOf: property, &path, server, tool, message)
      else { return false }
      path.count -= 1
      member = answerIndex.nextMember(after: key, in: message)
    }
    return true
  }

  /// One property, if it is to be repeated.
  private mutating func learn(
    _ property: JSONToken, _ path: ParameterPath, _ server: UInt32, _ tool: ByteRange,
    _ message: RawSpan
  ) -> Bool {
    guard answerIndex.kind(of: property, in: message) == .object,
      let header = answerIndex.member(Worker.mark, of: property, in: message),
      answerIndex.kind(of: header, in: message) == .string,
      !answerIndex.contents(of: header).isEmpty, isScalar(property, message)
    else { return true }
    guard
      let field = parameterSchemas.keep({ answerIndex.decode(header, in: message, into: &$0) }),
      let names = parameterSchemas.keep({ out in
        for number in 0..<path.count {
          guard let key = path.keys[number] else { preconditionFailure("no key of the path") }
          let start = out.count
          answerIndex.decode(key, in: message, into: &out)
          let count = out.count - start
          out.rewind(to: start)
          out.append(UInt8(truncatingIfNeeded: count >> 8))
          out.append(UInt8(truncatingIfNeeded: count))
          answerIndex.decode(key, in: message, into: &out)
        }
      })
    else { return false }
    return parameterSchemas.add(
      ParameterSchemas.Entry(server: server, tool: tool, field: field, path: names))
  }
}

extension Worker {
  /// Whether a property is to be repeated in a field that would have no proper name.
  private mutating func isMalformed(_ property: JSONToken, _ message: RawSpan) -> Bool {
    guard answerIndex.kind(of: property, in: message) == .object,
      let header = answerIndex.member(Worker.mark, of: property, in: message)
    else { return false }
    guard answerIndex.kind(of: header, in: message) == .string, isScalar(property, message) else {
      return false
    }
    var name = unsafe ByteWriter(
      unsafeInto: scratch.unsafeStart + Worker.toolNameArea, capacity: 4096)
    answerIndex.decode(header, in: message, into: &name)
    return name.overflowed || !HTTPWriter.isFieldName(name.written)
  }

  /// Whether a property is of a type that can be repeated; clients leave out a tool that wants others repeated.
  private func isScalar(_ property: JSONToken, _ message: RawSpan) -> Bool {
    guard let type = answerIndex.member("type", of: property, in: message),
      answerIndex.kind(of: type, in: message) == .string
    else { return false }
    return answerIndex.equals(type, "string", in: message)
      || answerIndex.equals(type, "integer", in: message)
      || answerIndex.equals(type, "boolean", in: message)
  }
}

/// The names that lead to a property, from the schema's root.
private struct ParameterPath: BitwiseCopyable {
  var keys = InlineArray<8, JSONToken?>(repeating: nil)
  var count = 0
  /// Something on the way is to be repeated and cannot be.
  var isMalformed = false
}
