internal import Approvals

/// Whoever looks: a person who signed in, or a program with a key.
struct Viewer: Sendable, Equatable {
  var name: String
  var groups: Set<String>
  /// Who it is, whatever it is called: `Person`.
  var person: String
  /// What a call of the same person would name as its principal: `corp/ada`, or a service account's name; nil for who cannot
  /// call.
  var principal: String?
  /// The person of `login.local_admin`.
  var isLocalAdmin = false

  var reviewer: Reviewer {
    Reviewer(name: name, groups: groups, person: person, principal: principal)
  }

  /// Whether one of the viewer's groups may decide this. Being an administrator is not enough.
  func reviews(_ request: ApprovalRequest) -> Bool {
    !groups.isDisjoint(with: request.reviewerGroups)
  }
}

/// What may be seen beside the approvals that a viewer decides.
struct Permissions: OptionSet, Sendable {
  let rawValue: Int

  static let allApprovals = Permissions(rawValue: 1)
  static let sessions = Permissions(rawValue: 2)
  static let policies = Permissions(rawValue: 4)
  static let servers = Permissions(rawValue: 8)
  static let status = Permissions(rawValue: 16)

  static let auditor: Permissions = [.allApprovals, .sessions, .policies]
  static let admin: Permissions = [.allApprovals, .sessions, .policies, .servers, .status]
}

/// Who may use the admin API and who may see what: the part of the settings that a reload of the configuration changes at
/// once, because a key that was taken away must not open anything any more.
struct AccessRules: Sendable {
  let keys: KeyTable
  let adminGroups: Set<String>
  let auditorGroups: Set<String>

  init(_ settings: ConsoleSettings) {
    keys = KeyTable(settings.keys)
    adminGroups = settings.adminGroups
    auditorGroups = settings.auditorGroups
  }

  func permissions(of viewer: Viewer) -> Permissions {
    if viewer.isLocalAdmin || !viewer.groups.isDisjoint(with: adminGroups) { return .admin }
    return viewer.groups.isDisjoint(with: auditorGroups) ? [] : .auditor
  }
}
