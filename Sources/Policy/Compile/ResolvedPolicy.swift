/// A definition whose names have been looked up and whose lists have been checked: what the tables are made from,
/// and what the questions "can this ever apply?" are asked of.
struct ResolvedPolicy {
  var servers: [String] = []
  var principals: [PrincipalDefinition] = []
  var profiles: [ResolvedProfile] = []
  var rules: [ResolvedRule] = []
  /// Groups that some profile or rule names, in the order of their numbers.
  var groups: [String] = []
  /// Principals that some profile or rule names, in the order of their numbers.
  var names: [String] = []
}

struct ResolvedProfile {
  var name: String
  var groups: [String]
  var principals: [String]
  var grants: [ResolvedGrant]
}

/// What a profile allows of one server.
struct ResolvedGrant {
  var server: Int
  var definition: GrantDefinition

  subscript(primitive: Primitive) -> [String] { definition[primitive].map(\.text) }
}

/// Which tools, which prompts or which resources a rule is about.
enum RuleReach: Equatable {
  case none
  case all
  case those([String])

  /// The names and globs that are listed.
  var listed: [String] {
    if case .those(let list) = self { list } else { [] }
  }
}

struct ResolvedRule {
  var number: Int
  var definition: RuleDefinition
  /// Numbers of the servers it applies to, ascending.
  var servers: [Int]
  var principals: [String]?
  var groups: [String]?
  var conditions: [ResolvedCondition]
  /// What it masks, as consecutive keys.
  var masks: [ResolvedMask]

  var effect: RuleEffect { definition.effect }

  /// Whether it says which tools, prompts or resources it is about.
  var isAboutSome: Bool { Primitive.allCases.contains { definition.match[$0] != nil } }

  func reach(_ primitive: Primitive) -> RuleReach {
    if let list = definition.match[primitive] { return .those(list.map(\.text)) }
    return isAboutSome ? .none : .all
  }
  var subject: String { "rule \"\(definition.name)\"" }

  /// Whether it decides every call that its servers, tools, principals and groups describe.
  var isUnconditional: Bool { conditions.isEmpty && effect != .mask }
}

struct ResolvedCondition {
  var path: [String]
  var condition: ArgumentCondition
  var position: SourcePosition?
}

struct ResolvedMask {
  var path: [String]
  var treatment: MaskTreatment
}

/// Keys joined by dots, as a person writes them.
enum KeyPath {
  /// The keys of `text`; nil when one of them is empty, or a backslash stands before anything but a dot or a
  /// backslash.
  ///
  ///     customer.address.city -> customer, address, city        file\.name -> file.name
  static func keys(of text: String) -> [String]? {
    var keys: [String] = []
    var key = ""
    var escaped = false
    for character in text.unicodeScalars {
      if escaped {
        guard character == "." || character == "\\" else { return nil }
        key.unicodeScalars.append(character)
        escaped = false
      } else if character == "\\" {
        escaped = true
      } else if character == "." {
        keys.append(key)
        key = ""
      } else {
        key.unicodeScalars.append(character)
      }
    }
    keys.append(key)
    return escaped || keys.contains("") ? nil : keys
  }
}
