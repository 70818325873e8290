import Wire

/// What part of a protocol message a container is: its skeleton, where masks would break the protocol, or data that the
/// server's tools produced. What is not known to be skeleton is data (mcp-wire.md, 5.1).
///
/// Example, the regions down to a row of a tools/call answer:
///
///     {"result": {"structuredContent": {"rows": [ {"email": … } ] } } }
///     envelope   result                data     data data
enum MaskRegion: UInt8 {
  case envelope, result, error, params
  /// What an error says beside its message; the URLs that it sends people to (-32042, revision 2025-11-25), and one of them.
  case errorData, elicitations, elicitation
  /// An array of content blocks, or one block.
  case blocks, block
  case annotations
  /// An array of resource contents; one resource's contents.
  case resources, resource
  /// Prompt messages, and one of them.
  case messages, message
  /// What a server offers: an array of tools, prompts, resources or templates; one of them, or one of a prompt's arguments.
  case definitions, definition
  /// A JSON Schema, and a mapping of names to schemas (`properties`).
  case schema, schemas
  /// What an answer of the modern era asks for: a mapping of names to requests.
  case requests
  case data

  /// What a key of the skeleton says about its value.
  enum Role {
    /// Protocol: never masked while it is a string, number or truth value; a container here is data.
    case plain
    /// The key is protocol and is never taken for a field's name; the value is data.
    case content
    /// A container of its own kind.
    case part(MaskRegion)
    case data
    /// A string in Base64: what it holds is data.
    case encoded
    /// A URL for a person: its parameters are data.
    case address
  }

  /// The role of the value of `key` in a container of this region.
  func role(_ key: JSONToken, in bytes: RawSpan, _ index: borrowing JSONIndex) -> Role {
    switch self {
    case .data: return .data
    case .envelope:
      if index.equals(key, "result", in: bytes) { return .part(.result) }
      if index.equals(key, "params", in: bytes) { return .part(.params) }
      if index.equals(key, "error", in: bytes) { return .part(.error) }
      if index.equals(key, "jsonrpc", in: bytes) || index.equals(key, "id", in: bytes)
        || index.equals(key, "method", in: bytes)
      {
        return .plain
      }
      return .data
    case .result:
      if index.equals(key, "content", in: bytes) { return .part(.blocks) }
      if index.equals(key, "contents", in: bytes) { return .part(.resources) }
      if index.equals(key, "messages", in: bytes) { return .part(.messages) }
      if index.equals(key, "structuredContent", in: bytes) || index.equals(key, "_meta", in: bytes)
      {
        return .content
      }
      return otherOfResult(key, in: bytes, index)
    case .error:
      if index.equals(key, "message", in: bytes) { return .content }
      if index.equals(key, "data", in: bytes) { return .part(.errorData) }
      return index.equals(key, "code", in: bytes) ? .plain : .data
    case .errorData:
      return index.equals(key, "elicitations", in: bytes) ? .part(.elicitations) : .data
    case .elicitations, .elicitation: return ofElicitation(key, in: bytes, index)
    case .params:
      if index.equals(key, "message", in: bytes) || index.equals(key, "data", in: bytes)
        || index.equals(key, "_meta", in: bytes)
      {
        return .content
      }
      if index.equals(key, "messages", in: bytes) { return .part(.messages) }
      return otherOfParams(key, in: bytes, index)
    case .requests: return .part(.envelope)
    case .definitions, .definition: return ofDefinition(key, in: bytes, index)
    case .schema: return ofSchema(key, in: bytes, index)
    case .schemas: return .part(.schema)
    case .blocks, .block:
      if index.equals(key, "text", in: bytes) || index.equals(key, "_meta", in: bytes) {
        return .content
      }
      if index.equals(key, "resource", in: bytes) { return .part(.resource) }
      if index.equals(key, "annotations", in: bytes) { return .part(.annotations) }
      if index.equals(key, "data", in: bytes) { return .encoded }
      return isBlockKey(key, in: bytes, index) ? .plain : .data
    case .annotations:
      if index.equals(key, "title", in: bytes) { return .content }
      return index.equals(key, "audience", in: bytes) || index.equals(key, "priority", in: bytes)
        || index.equals(key, "lastModified", in: bytes) ? .plain : .data
    case .resources, .resource:
      if index.equals(key, "text", in: bytes) || index.equals(key, "_meta", in: bytes) {
        return .content
      }
      if index.equals(key, "blob", in: bytes) { return .encoded }
      return index.equals(key, "uri", in: bytes) || index.equals(key, "mimeType", in: bytes)
        ? .plain : .data
    case .messages, .message:
      if index.equals(key, "content", in: bytes) { return .part(.blocks) }
      return index.equals(key, "role", in: bytes) ? .plain : .data
    }
  }

  private func isBlockKey(
    _ key: JSONToken, in bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Bool {
    index.equals(key, "type", in: bytes) || index.equals(key, "mimeType", in: bytes)
      || index.equals(key, "uri", in: bytes)
      || index.equals(key, "name", in: bytes)
      || index.equals(key, "title", in: bytes) || index.equals(key, "description", in: bytes)
  }

  /// The region of an object or array that is an element of an array of this region.
  var element: MaskRegion {
    switch self {
    case .envelope: .envelope
    case .blocks: .block
    case .elicitations: .elicitation
    case .resources: .resource
    case .messages: .message
    case .definitions: .definition
    case .schema: .schema
    default: .data
    }
  }
}
