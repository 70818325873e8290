import Policy

/// Who approves the calls that a rule holds.
struct ApprovalSection: SchemaObject {
  var reviewers: [PositionedText] = []
  var quorum = 1
  var expiresMilliseconds = 900_000
  var message: String?

  static var keys: KeyTable<ApprovalSection> {
    KeyTable(
      keys: [
        .required(
          "reviewers", \.reviewers, Shape<[PositionedText]>.groups,
          "groups whose members may decide, except whoever made the call"),
        .optional(
          "quorum", \.quorum, .integer(1...16),
          "how many different reviewers must approve; one who denies is enough"),
        .optional(
          "expires", \.expiresMilliseconds, .duration(1000...30 * 86_400_000),
          "how long the request, and the approval once given, counts"),
        .optional(
          "message", \.message, Shape<String>.prose.optional, "what reviewers are told"),
      ],
      later: [
        ("notify", "write a webhook under \"approvals\""),
        ("remember", "an approval is for one call, once; write a rule that allows instead"),
      ])
  }
}

extension Shape where Value == ApprovalSection {
  static var approval: Shape<ApprovalDefinition> {
    Shape<ApprovalSection>.object.map { section, node, _ in
      ApprovalDefinition(
        reviewers: section.reviewers, quorum: section.quorum,
        expiresMilliseconds: section.expiresMilliseconds, message: section.message,
        position: node.origin.position)
    }
  }
}
