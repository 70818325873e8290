/// What a server offers, and what profiles and rules are about: the protocol's three primitives.
public enum Primitive: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  /// Called by name, with arguments.
  case tool
  /// Fetched by name, with arguments.
  case prompt
  /// Read by URI. A template is known by the text of its `uriTemplate`.
  case resource

  /// The key under which profiles and rules list them.
  var key: String {
    switch self {
    case .tool: "tools"
    case .prompt: "prompts"
    case .resource: "resources"
    }
  }

  /// One of them, with its article.
  var phrase: String {
    switch self {
    case .tool: "a tool"
    case .prompt: "a prompt"
    case .resource: "a resource"
    }
  }
}
