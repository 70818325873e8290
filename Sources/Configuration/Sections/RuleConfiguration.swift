public import Policy

/// One rule of the ordered policy.
public struct RuleConfiguration: Sendable {
  public var definition = RuleDefinition(name: "", effect: .block)
  /// For whoever reads the configuration: shown by `sluice check`, never to agents.
  public var note: String?

  public init() {}
}

extension RuleConfiguration: SchemaObject {
  static var keys: KeyTable<RuleConfiguration> {
    KeyTable(
      keys: [
        .required(
          "name", \.definition.name, .name("a name"),
          "what errors, answers and records call the rule"),
        .required(
          "match", \.definition.match, MatchSection.shape,
          "which calls the rule is for: { servers: [\"*\"] } for all of them"),
        .optional(
          "effect", \.definition.effect,
          .word(),
          "allow ends the search, block refuses the call, require_approval holds it until a human has approved it, mask changes its answer and goes on; mask when left out beside \"mask\""
        ).withoutDefault,
        .optional(
          "approval", \.definition.approval, Shape<ApprovalSection>.approval.optional,
          "who approves the calls that the rule holds, and until when"),
        .optional(
          "mask", \.definition.masks, MaskSection.all, "what is masked in the answers, and how"),
        .optional(
          "message", \.definition.message, Shape<String>.prose.optional,
          "what the agent is told when the rule blocks or holds"),
        .optional(
          "note", \.note, Shape<String>.prose.optional,
          "for whoever reads the configuration: shown by `sluice check`, never to agents"),
      ],
      later: [
        ("mode", "every rule is enforced; leave it out"),
        ("rate_limit", "leave it out"),
        ("detect", "list field names under \"mask\""),
        ("expires", "leave it out, and remove the rule when it should no longer hold"),
      ],
      finish: { rule, node, reading in
        rule.definition.position = node.origin.position
        rule.checkEffect(node, &reading)
      })
  }

  private mutating func checkEffect(_ node: Node, _ reading: inout Reading) {
    if !node.has("effect") {
      guard node.has("mask") else {
        reading.report(
          node.origin, "the key \"effect\" is missing: allow, block, require_approval or mask")
        return
      }
      definition.effect = .mask
    }
    if definition.message != nil, definition.effect != .block,
      definition.effect != .requireApproval
    {
      reading.report(
        at: "\(reading.path).message",
        "only a rule that blocks or holds tells the agent something; leave it out, or use \"note\"")
    }
  }
}

/// Which calls a rule is for.
struct MatchSection: SchemaObject {
  var definition = MatchDefinition()

  static var shape: Shape<MatchDefinition> {
    Shape<MatchSection>.object.map { section, _, _ in section.definition }
  }

  static var keys: KeyTable<MatchSection> {
    KeyTable(
      keys: [
        .optional(
          "servers", \.definition.servers, Shape<[PositionedText]>.serverReferences.optional,
          "names of servers, or \"*\" for every server"),
        .optional(
          "tools", \.definition.tools, Shape<[PositionedText]>.toolPatterns.optional,
          "names of tools; \"*\" stands for any text and \"?\" for one character"),
        .optional(
          "resources", \.definition.resources, Shape<[PositionedText]>.resourcePatterns.optional,
          "URIs of resources, and texts of their templates, in the same way"),
        .optional(
          "prompts", \.definition.prompts, Shape<[PositionedText]>.promptPatterns.optional,
          "names of prompts, in the same way; without tools, resources and prompts a rule is about all three"
        ),
        .optional(
          "principals", \.definition.principals,
          Shape<[PositionedText]>.list(
            Shape<String>.text(bytesMax: 256, expected: "the name of a principal").positioned,
            atLeast: 1
          ).optional,
          "names of service accounts, of users (corp/alice, corp/client/etl), or \"anonymous\""),
        .optional(
          "groups", \.definition.groups, Shape<[PositionedText]>.groups.optional,
          "calls of everybody in one of these groups"),
        .optional(
          "arguments", \.definition.arguments, ConditionsSection.all,
          "conditions on the call's arguments, by path (table, customer.address.city); all must hold"
        ),
      ],
      later: [
        ("users", "write their names under principals: corp/alice"),
        ("methods", "rules are about tools, resources and prompts; list those"),
      ],
      finish: { _, node, reading in
        if case .mapping(let members) = node.content, members.isEmpty {
          reading.report(
            node.origin, "this says nothing; for every call write { servers: [\"*\"] }")
        }
      })
  }
}

/// Fields to mask, and how.
struct MaskSection: SchemaObject {
  enum Treatment: String, CaseIterable {
    case redact
    case partial
  }

  var fields: [PositionedText] = []
  var treatment = Treatment.redact

  static var all: Shape<[MaskDefinition]> {
    .list(
      Shape<MaskSection>.object.map { section, node, _ in
        let treatment: MaskTreatment =
          switch section.treatment {
          case .redact: .redact
          case .partial: .partial
          }
        return MaskDefinition(
          fields: section.fields, treatment: treatment, position: node.origin.position)
      }, atLeast: 1, atMost: 256)
  }

  static var keys: KeyTable<MaskSection> {
    KeyTable(
      keys: [
        .required(
          "fields", \.fields,
          .list(
            Shape<String>.text(bytesMax: 1024, expected: "a field's name or path").positioned,
            atLeast: 1),
          "names of fields (masked at any depth), or paths such as customer.card.number"),
        .required(
          "with", \.treatment, .word(),
          "redact replaces the value, partial keeps the last four characters"),
      ],
      later: [("detect", "detectors come with a later version; list field names under \"fields\"")])
  }
}

extension Shape where Value == String {
  /// Sentences for people.
  static var prose: Shape { .text(bytesMax: 4096, isMultiline: true) }
}

extension Node {
  /// Whether the mapping has the key.
  func has(_ key: String) -> Bool {
    guard case .mapping(let members) = content else { return false }
    return members.contains { $0.key == key }
  }
}
