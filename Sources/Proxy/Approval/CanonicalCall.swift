internal import EventLoop
internal import Policy
internal import Wire

/// What of a call its approval is about, in canonical form, and the digest over it.
extension Worker {
  /// Writes the arguments of a call, in the canonical form of RFC 8785; `null` when there are none.
  ///
  /// A call may hold more that its server acts on: a task to run it as, answers to what the server asked, the server's own
  /// state, keys of vendors in `_meta`. Then everything of `params` is written as one object, but for the tool's name and for
  /// what only concerns the protocol.
  mutating func writeCanonical(
    _ message: MCPMessage, _ body: RawSpan, into out: inout ByteWriter
  ) -> JSONCanonicalRefusal? {
    if let params = message.params, hasMore(message, params, body) {
      let name = message.name
      let meta = message.meta
      return canonicalizer.write(
        params, of: requestIndex, in: body,
        excluding: { key, object in
          let value = requestIndex.value(ofKey: key)
          if object == params { return value == name }
          return object == meta && Worker.isProtocolKey(key, requestIndex, body)
        }, into: &out)
    }
    guard let arguments = message.arguments else {
      out.append("null")
      return out.overflowed ? .tooLong : nil
    }
    return canonicalizer.write(arguments, of: requestIndex, in: body, into: &out)
  }

  /// Whether there is more in `params` than the name, the arguments and what only concerns the protocol.
  func hasMore(_ message: MCPMessage, _ params: JSONToken, _ body: RawSpan) -> Bool {
    var key = requestIndex.firstMember(of: params, in: body)
    while let here = key {
      let value = requestIndex.value(ofKey: here)
      if value == message.meta {
        var inner = requestIndex.firstMember(of: value, in: body)
        while let member = inner {
          if !Worker.isProtocolKey(member, requestIndex, body) { return true }
          inner = requestIndex.nextMember(after: member, in: body)
        }
      } else if value != message.name && value != message.arguments {
        return true
      }
      key = requestIndex.nextMember(after: here, in: body)
    }
    return false
  }

  /// Keys of `_meta` that differ from one sending of a call to the next, or say what the client is: no part of the call.
  private static func isProtocolKey(
    _ key: JSONToken, _ index: borrowing JSONIndex, _ body: RawSpan
  ) -> Bool {
    index.equals(key, "progressToken", in: body) || index.equals(key, "traceparent", in: body)
      || index.equals(key, "tracestate", in: body) || index.equals(key, "baggage", in: body)
      || index.equals(key, "io.modelcontextprotocol/protocolVersion", in: body)
      || index.equals(key, "io.modelcontextprotocol/clientInfo", in: body)
      || index.equals(key, "io.modelcontextprotocol/clientCapabilities", in: body)
      || index.equals(key, "io.modelcontextprotocol/logLevel", in: body)
  }

  /// The digest of a call under the policy it was judged by; nil when it cannot be computed.
  mutating func digest(
    _ slot: UInt32, _ message: MCPMessage, _ body: RawSpan, _ canonical: RawSpan
  ) -> CallDigest? {
    let isWhole = message.params.map { hasMore(message, $0, body) } ?? false
    let revision = generations[exchanges[slot].generation].snapshot.policyRevision
    let tool = targetName(message, body)
    let principal = principalName(of: slot)
    let person = person(of: slot)
    let server = serverName(of: slot)
    digester.begin()
    digester.add(principal)
    digester.add(person)
    digester.add(server)
    digester.add(tool)
    digester.add(number: isWhole ? 1 : 0)
    digester.add(canonical)
    digester.add(number: revision)
    return digester.finish()
  }
}
