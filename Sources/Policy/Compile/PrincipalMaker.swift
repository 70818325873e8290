/// Turns names and groups into the bits that decisions use. Not on the path of a call: once per principal at load,
/// and once per login.
struct PrincipalMaker: Sendable {
  private let groupNumbers: [String: Int]
  private let nameNumbers: [String: Int]
  private let known: [PrincipalDefinition]
  private let knownNames: Set<String>
  private let profilesOfGroup: [String: [Int]]
  private let profilesOfName: [String: [Int]]

  init(policy: ResolvedPolicy, groupNumbers: [String: Int], nameNumbers: [String: Int]) {
    self.groupNumbers = groupNumbers
    self.nameNumbers = nameNumbers
    known = policy.principals
    knownNames = Set(policy.principals.map(\.name))
    var ofGroup: [String: [Int]] = [:]
    var ofName: [String: [Int]] = [:]
    for (number, profile) in policy.profiles.enumerated() {
      for group in profile.groups { ofGroup[group, default: []].append(number) }
      for name in profile.principals { ofName[name, default: []].append(number) }
    }
    profilesOfGroup = ofGroup
    profilesOfName = ofName
  }

  func makeKnown() -> [Principal] {
    known.enumerated().map { index, principal in
      make(
        index: UInt32(index), kind: principal.kind, name: principal.name,
        groups: principal.groups.map(\.text))
    }
  }

  /// A principal from outside. A name that the definition gives to one of its own principals is that principal's alone:
  /// nobody becomes a service account by being called like one.
  func makeOutsider(kind: PrincipalKind, name: String, groups: [String]) -> Principal {
    make(
      index: .max, kind: kind, name: knownNames.contains(name) ? nil : name, groups: groups)
  }

  private func make(
    index: UInt32, kind: PrincipalKind, name: String?, groups: [String]
  ) -> Principal {
    var groupSet = BoundedSet()
    var profiles = BoundedSet()
    for group in groups {
      if let number = groupNumbers[group] { groupSet.insert(number) }
      for profile in profilesOfGroup[group] ?? [] { profiles.insert(profile) }
    }
    if let name {
      for profile in profilesOfName[name] ?? [] { profiles.insert(profile) }
    }
    let number = name.flatMap { nameNumbers[$0] }
    return Principal(
      index: index, kind: kind, nameNumber: number.map { UInt32($0) } ?? .max, groups: groupSet,
      profiles: profiles)
  }
}
