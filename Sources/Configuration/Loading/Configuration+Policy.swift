import Identity
public import Policy

extension Configuration {
  /// What the policy is compiled from. Principals stand in the order of `IdentitySnapshot`'s
  /// indices: the service accounts, then the anonymous principal if there is one.
  public var policyDefinition: PolicyDefinition {
    PolicyDefinition(
      servers: servers.map { ServerDefinition(name: $0.name, position: $0.position) },
      principals: principals,
      profiles: profiles,
      rules: rules.map(\.definition),
      hasIdentityProvider: !identity.oidc.isEmpty)
  }

  private var principals: [PrincipalDefinition] {
    var principals = identity.serviceAccounts.map { account in
      PrincipalDefinition(
        name: account.name, kind: .serviceAccount, groups: account.groups,
        position: account.position)
    }
    if let anonymous = identity.anonymous {
      principals.append(
        PrincipalDefinition(
          name: IdentitySnapshot.anonymousName, kind: .anonymous, groups: anonymous.groups,
          position: anonymous.position))
    }
    return principals
  }

  /// Everybody who may call.
  func identitySnapshot(in source: SourceText) throws(ConfigurationErrors) -> IdentitySnapshot {
    let accounts = identity.serviceAccounts.map { account in
      ServiceAccount(
        name: account.name, keyDigest: account.keyDigest, groups: account.groups.map(\.text))
    }
    let anonymous = identity.anonymous.map { AnonymousPrincipal(groups: $0.groups.map(\.text)) }
    do {
      return try IdentitySnapshot(
        accounts: accounts, anonymous: anonymous, providers: identity.oidc.map(\.provider))
    } catch {
      throw ConfigurationErrors(
        [.init(path: "identity.service_accounts", message: "cannot be used: \(error)")], in: source)
    }
  }
}

extension ConfigurationIssue {
  /// A problem the policy's compiler found. Its subject ("rule no-drop") takes the place of the
  /// path.
  init(_ problem: PolicyProblem) {
    self.init(
      origin: problem.position.map { .file($0) }, path: problem.subject, message: problem.message)
  }
}
