internal import PlainJSON
internal import Wire

/// Turns answers of the modern era into answers of the legacy one.
enum LegacyAnswer {
  /// What only the modern era says about a result.
  private static let modernMembers: [String: [UInt8]?] = [
    "resultType": nil, "ttlMs": nil, "cacheScope": nil,
  ]

  /// A result of some method: without what only the modern era knows, and with structured content as an object, which is all
  /// that it can be in the legacy era.
  static func result(_ result: JSONToken, of method: String, in document: borrowing JSONDocument)
    -> [UInt8]
  {
    var changes = modernMembers
    switch method {
    case "tools/call":
      if let content = document.member("structuredContent", of: result),
        document.kind(content) != .object
      {
        changes["structuredContent"] =
          Array("{\"result\":".utf8) + document.literal(content) + Array("}".utf8)
      }
    case "tools/list":
      if let tools = document.member("tools", of: result), document.kind(tools) == .array {
        let made = document.elements(of: tools).map { tool($0, in: document) }
        changes["tools"] = JSONDocument.array(made)
      }
    default: break
    }
    return document.object(result, changing: changes)
  }

  /// A tool's description. An output schema that is no object's is left out: what it describes is wrapped.
  private static func tool(_ tool: JSONToken, in document: borrowing JSONDocument) -> [UInt8] {
    guard let schema = document.member("outputSchema", of: tool),
      document.text(document.member("type", of: schema)) != "object"
    else { return document.literal(tool) }
    return document.object(tool, changing: ["outputSchema": nil])
  }

  /// The result of `initialize`, from that of `server/discover`.
  /// - Returns: nil when the server does not speak the revision of the modern era that the bridge speaks.
  static func initialize(
    _ result: JSONToken?, version: String, serverName: String, in document: borrowing JSONDocument
  ) -> [UInt8]? {
    let versions = document.elements(of: document.member("supportedVersions", of: result))
    guard versions.contains(where: { document.text($0) == MessageText.modernRevision }) else {
      return nil
    }
    var made = Array("{\"protocolVersion\":\(JSONText.quoted(version))".utf8)
    made += Array(",\"capabilities\":".utf8)
    made += capabilities(document.member("capabilities", of: result), in: document)
    made += Array(",\"serverInfo\":".utf8)
    let meta = document.member("_meta", of: result)
    if let info = document.member("io.modelcontextprotocol/serverInfo", of: meta)
      ?? document.member("serverInfo", of: result)
    {
      made += document.literal(info)
    } else {
      made += Array("{\"name\":\(JSONText.quoted(serverName)),\"version\":\"0\"}".utf8)
    }
    if let instructions = document.member("instructions", of: result) {
      made += Array(",\"instructions\":".utf8) + document.literal(instructions)
    }
    return made + Array("}".utf8)
  }

  /// Of the server's capabilities those that the bridge can give to an agent of the legacy era.
  private static func capabilities(
    _ capabilities: JSONToken?, in document: borrowing JSONDocument
  ) -> [UInt8] {
    var changes: [String: [UInt8]?] = [:]
    let known = ["tools", "prompts", "resources", "completions", "logging"]
    for (key, _) in document.members(of: capabilities) {
      if let name = document.text(key), !known.contains(name) { changes[name] = .some(nil) }
    }
    return document.object(capabilities, changing: changes)
  }
}
