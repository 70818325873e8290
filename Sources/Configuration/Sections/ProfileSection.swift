import Identity
import Policy

/// A permission profile in the file; its name is the key it stands under.
struct ProfileSection: SchemaObject {
  var definition = ProfileDefinition(name: "")
  var users: [PositionedText] = []

  static var all: Shape<[ProfileDefinition]> {
    .mapping(keys: .name("the name of a profile"), Shape<ProfileSection>.object) {
      name, origin, section in
      var definition = section.definition
      definition.name = name
      definition.position = origin.position
      return definition
    }
  }

  static var keys: KeyTable<ProfileSection> {
    KeyTable(
      keys: [
        .optional(
          "groups", \.definition.groups, .groups, "everybody in one of these groups has the profile"
        ),
        .optional(
          "service_accounts", \.definition.principals,
          .list(Shape<String>.name("the name of a service account").positioned, atLeast: 1),
          "these service accounts have it, whatever their groups"),
        .optional(
          "users", \.users, .list(Shape<String>.userName.positioned, atLeast: 1),
          "these people and clients of identity providers have it, whatever their groups: corp/alice, corp/client/etl"
        ),
        .required(
          "allow", \.definition.allow, GrantSection.all,
          "what the profile allows: tools, resources and prompts of servers"
        ),
      ],
      later: [
        (
          "deny",
          "a profile only allows; to refuse part of it, write a rule with effect: block under \"policies\""
        )
      ],
      finish: { profile, _, _ in profile.definition.principals += profile.users })
  }
}

/// One line of a profile's allow list.
struct GrantSection: SchemaObject {
  var definition = GrantDefinition(server: "")

  static var all: Shape<[GrantDefinition]> {
    .list(
      Shape<GrantSection>.object.map { section, node, _ in
        var definition = section.definition
        definition.position = node.origin.position
        return definition
      }, atLeast: 1)
  }

  static var keys: KeyTable<GrantSection> {
    KeyTable(
      keys: [
        .required(
          "server", \.definition.server, Shape<String>.serverReference.positioned,
          "the name of a server, or \"*\" for every server"),
        .optional(
          "tools", \.definition.tools, .toolPatterns,
          "names of tools; \"*\" stands for any text and \"?\" for one character"),
        .optional(
          "resources", \.definition.resources, .resourcePatterns,
          "URIs of resources, and texts of their templates, in the same way: orders://*"),
        .optional(
          "prompts", \.definition.prompts, .promptPatterns, "names of prompts, in the same way"),
      ],
      finish: { grant, node, reading in
        guard !["tools", "resources", "prompts"].contains(where: node.has) else { return }
        reading.report(
          node.origin,
          "this allows nothing; list \"tools\", \"resources\" or \"prompts\": tools: [\"*\"]")
      })
  }
}

extension Shape where Value == [PositionedText] {
  static var toolPatterns: Shape { patterns("the name of a tool") }
  static var resourcePatterns: Shape { patterns("the URI of a resource") }
  static var promptPatterns: Shape { patterns("the name of a prompt") }

  private static func patterns(_ expected: String) -> Shape {
    .list(Shape<String>.text(bytesMax: 256, expected: expected).positioned, atLeast: 1)
  }

  static var serverReferences: Shape {
    .list(Shape<String>.serverReference.positioned, atLeast: 1, atMost: 1024)
  }
}

extension Shape where Value == String {
  /// The name of a server, or a star. That the server exists is checked when everything has been
  /// read.
  static var serverReference: Shape {
    .text(bytesMax: 128, expected: "the name of a server, or \"*\"")
  }
}

extension Shape where Value == String {
  /// The name of a person or client as `IdentityProvider` makes it: the provider's, a slash, its own.
  static var userName: Shape {
    .text(bytesMax: IdentityProvider.nameBytesMax, expected: "the name of a user").map {
      text, node, reading in
      guard text.contains("/"), !text.hasPrefix("/"), !text.hasSuffix("/") else {
        reading.report(
          node.origin,
          "\"\(text)\" is not the name of a user; write <provider>/<name>, such as idp.example/alice"
        )
        return nil
      }
      return text
    }
  }
}
