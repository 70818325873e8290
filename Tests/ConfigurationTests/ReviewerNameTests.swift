import Testing

@testable import SluiceConfiguration

/// Where agents and reviewers come from one provider, a person may not be two.
@Suite struct ReviewerNameTests {
  private func warnings(
    agents: String, reviewers: String, issuer: String = "https://idp.example",
    effect: String = "require_approval, approval: { reviewers: [dba] }"
  ) throws -> [String] {
    let sample = Sample(
      identity: """
        public_url: https://mcp.example
        identity:
          oidc: [{ issuer: "https://idp.example", name: corp\(agents) }]
          service_accounts:
            - { name: bot, key_sha256: "\(String(repeating: "0123456789abcdef", count: 4))", groups: [staff] }
        """,
      policies:
        "policies: [{ name: ask, match: { servers: [orders], tools: [query] }, effect: \(effect) }]",
      rest: """
        store: sqlite:./sluice.db
        console: { login: { oidc: { issuer: "\(issuer)", client_id: console\(reviewers) } } }
        """)
    return try read(sample.text).1.warnings.map { "\($0.path): \($0.message)" }
  }

  @Test func differentClaimsAreWarnedOf() throws {
    let expected = [
      "identity.oidc[0].name_claim: console.login.oidc takes people's names from another claim; if this provider gives a person another \"sub\" for each client, people could approve their own calls: write the same name_claim at both"
    ]
    #expect(try warnings(agents: ", name_claim: email", reviewers: "") == expected)
    #expect(try warnings(agents: "", reviewers: ", name_claim: email") == expected)
    #expect(
      try warnings(agents: ", name_claim: email", reviewers: ", name_claim: sub") == expected)
  }

  @Test func whereTheyCannotBeTakenForEachOtherNothingIsSaid() throws {
    #expect(try warnings(agents: "", reviewers: "").isEmpty)
    #expect(
      try warnings(agents: ", name_claim: email", reviewers: ", name_claim: email").isEmpty)
    #expect(
      try warnings(
        agents: ", name_claim: email", reviewers: "", issuer: "https://other.example"
      ).isEmpty)
    #expect(
      try warnings(agents: ", name_claim: email", reviewers: "", effect: "block").isEmpty,
      "nothing asks for an approval")
  }
}
