internal import Approvals

/// The person who signs in with a password. An actor, so that one password is hashed at a time: 32 MiB each.
actor LocalLogin {
  private let viewer: Viewer
  private let hash: PasswordHash
  /// Whether the password was made at start, and is good for one sign-in.
  private let isOneTime: Bool
  private var isSpent = false

  /// - Returns: nil for a hash that cannot be read.
  init?(_ settings: LocalAdminSettings, oneTimePassword: String?) {
    viewer = Viewer(
      name: settings.name, groups: settings.groups, person: Person.localAdmin(settings.name),
      isLocalAdmin: true)
    isOneTime = settings.passwordHash == nil
    if let text = settings.passwordHash {
      guard let hash = PasswordHash(text: text) else { return nil }
      self.hash = hash
    } else {
      guard let oneTimePassword else { return nil }
      hash = PasswordHash(password: oneTimePassword)
    }
  }

  /// Checks the name and the password. A wrong name takes as long as a wrong password.
  func signIn(name: String, password: String) -> Viewer? {
    let isPassword = hash.matches(password)
    guard isPassword, ConstantTime.areEqual(name, viewer.name), !isSpent else { return nil }
    isSpent = isOneTime
    return viewer
  }
}
