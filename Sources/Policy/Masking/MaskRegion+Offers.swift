import Wire

// What a server says of itself and of what it offers: the parts of a message that name things and describe them.

extension MaskRegion {
  /// Members of a result that are not about one tool's answer.
  func otherOfResult(
    _ key: JSONToken, in bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Role {
    func isKey(_ name: StaticString) -> Bool { index.equals(key, name, in: bytes) }
    if isKey("isError") || isKey("resultType") || isKey("nextCursor") || isKey("protocolVersion") {
      return .plain
    }
    if isKey("tools") || isKey("prompts") || isKey("resources") || isKey("resourceTemplates") {
      return .part(.definitions)
    }
    if isKey("inputRequests") { return .part(.requests) }
    // The state of a multi-round-trip request is sealed before anything is masked, and then holds nothing.
    return
      (isKey("requestState") || isKey("serverInfo") || isKey("capabilities")
      || isKey("instructions")
      || isKey("description")) ? .content : .data
  }

  /// Members of the params of a server's request or notification.
  func otherOfParams(
    _ key: JSONToken, in bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Role {
    func isKey(_ name: StaticString) -> Bool { index.equals(key, name, in: bytes) }
    if isKey("level") || isKey("progress") || isKey("progressToken") || isKey("total")
      || isKey("requestId") || isKey("uri") || isKey("mode") || isKey("taskId")
    {
      return .plain
    }
    if isKey("requestedSchema") { return .part(.schema) }
    if isKey("tools") { return .part(.definitions) }
    if isKey("url") { return .address }
    return (isKey("logger") || isKey("systemPrompt")) ? .content : .data
  }

  /// What a person is to be asked before a request can be answered.
  func ofElicitation(
    _ key: JSONToken, in bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Role {
    func isKey(_ name: StaticString) -> Bool { index.equals(key, name, in: bytes) }
    if isKey("mode") || isKey("elicitationId") { return .plain }
    if isKey("url") { return .address }
    return isKey("message") ? .content : .data
  }

  /// A tool, prompt, resource or template: its name stays, or nobody could use it.
  func ofDefinition(
    _ key: JSONToken, in bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Role {
    func isKey(_ name: StaticString) -> Bool { index.equals(key, name, in: bytes) }
    if isKey("name") || isKey("uri") || isKey("uriTemplate") || isKey("mimeType") || isKey("size")
      || isKey("required")
    {
      return .plain
    }
    if isKey("inputSchema") || isKey("outputSchema") { return .part(.schema) }
    if isKey("annotations") { return .part(.annotations) }
    if isKey("arguments") { return .part(.definitions) }
    return (isKey("title") || isKey("description") || isKey("_meta")) ? .content : .data
  }

  /// A JSON Schema: values that it gives are data, all else says what values are like.
  func ofSchema(_ key: JSONToken, in bytes: RawSpan, _ index: borrowing JSONIndex) -> Role {
    func isKey(_ name: StaticString) -> Bool { index.equals(key, name, in: bytes) }
    if isKey("default") || isKey("const") || isKey("enum") || isKey("enumNames")
      || isKey("examples")
    {
      return .content
    }
    return
      (isKey("properties") || isKey("patternProperties") || isKey("$defs") || isKey("definitions")
      || isKey("dependentSchemas"))
      ? .part(.schemas) : .part(.schema)
  }
}
