import Identity
import Policy

/// What must hold between the identity providers and everything else.
extension Configuration {
  /// Bytes of all scopes together: they stand in every challenge.
  static let scopesBytesMax = 128

  mutating func checkProviders(_ reading: inout Reading) {
    checkPeople(&reading)
    guard !identity.oidc.isEmpty else { return }
    for (index, oidc) in identity.oidc.enumerated() {
      let path = "identity.oidc[\(index)]"
      let earlier = identity.oidc[..<index]
      if let other = earlier.firstIndex(where: { $0.provider.issuer == oidc.provider.issuer }) {
        reading.report(at: "\(path).issuer", "oidc[\(other)] has this issuer already")
      } else if let other = earlier.firstIndex(where: { $0.provider.name == oidc.provider.name }) {
        reading.report(
          at: "\(path).name",
          "oidc[\(other)] is called \"\(oidc.provider.name)\" already; give one another \"name\"")
      }
    }
    let scopes = Set(identity.oidc.flatMap(\.provider.scopes))
    if scopes.reduce(0, { $0 + $1.utf8.count + 1 }) > Self.scopesBytesMax {
      reading.report(
        at: "identity.oidc", "the scopes are longer than \(Self.scopesBytesMax) bytes together")
    }
    findPublicURL(&reading)
    checkReviewers(&reading)
  }

  /// Nobody approves their own call. People are told apart by issuer and subject, which needs no setting; but a provider may
  /// give one person another subject for each client, and then only the name tells.
  private func checkReviewers(_ reading: inout Reading) {
    guard let login = console?.login.openID,
      rules.contains(where: { $0.definition.effect == .requireApproval }),
      let index = identity.oidc.firstIndex(where: { $0.provider.issuer == login.issuer }),
      identity.oidc[index].provider.nameClaim != login.nameClaim
    else { return }
    reading.warn(
      at: "identity.oidc[\(index)].name_claim",
      "console.login.oidc takes people's names from another claim; if this provider gives a person another \"sub\" for each "
        + "client, people could approve their own calls: write the same name_claim at both")
  }

  /// Without a public URL a loopback listener's own will do; anything else agents could reach under other names.
  private mutating func findPublicURL(_ reading: inout Reading) {
    guard publicURL == nil else { return }
    if let listener = listeners.first, listener.address.isLoopback, listener.address.port > 0 {
      let scheme = listener.tls == nil ? "http" : "https"
      publicURL = ResourceIdentifier("\(scheme)://\(listener.address)")
    } else {
      reading.report(
        at: "identity.oidc",
        "agents must be told which resource to ask a token for: write where they reach the gateway as public_url"
      )
    }
  }

  /// Names of people that rules and profiles mention begin with the name of a provider.
  private func checkPeople(_ reading: inout Reading) {
    let providers = identity.oidc.map(\.provider.name)
    func check(_ name: PositionedText, at path: String) {
      guard let slash = name.text.firstIndex(of: "/") else { return }
      let provider = String(name.text[..<slash])
      guard !providers.contains(provider) else { return }
      let known =
        providers.isEmpty ? "there are none" : "there are: \(providers.joined(separator: ", "))"
      reading.report(
        at: path,
        "no identity provider is called \"\(provider)\" (\(known)); write <provider>/<name>")
    }
    for profile in profiles {
      for name in profile.principals { check(name, at: "profiles.\(profile.name).users") }
    }
    for (index, rule) in rules.enumerated() {
      for name in rule.definition.match.principals ?? [] {
        check(name, at: "policies[\(index)].match.principals")
      }
    }
  }
}
