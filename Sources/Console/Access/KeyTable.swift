internal import Approvals
internal import Identity

/// Programs with a bearer token. Every key is compared, in constant time each, whichever matches.
struct KeyTable: Sendable {
  private let keys: [ConsoleKey]

  init(_ keys: [ConsoleKey]) {
    self.keys = keys
  }

  func viewer(token: String) -> Viewer? {
    let digest = APIKey.sha256(of: Array(token.utf8))
    var found: ConsoleKey?
    for key in keys where ConstantTime.areEqual(key.digest, digest) { found = key }
    return found.map {
      Viewer(name: $0.name, groups: $0.groups, person: Person.account($0.name), principal: $0.name)
    }
  }
}
