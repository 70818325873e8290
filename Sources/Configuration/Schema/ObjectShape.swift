import PlainJSON
import Policy

/// A key that a mapping may have, for a value of type `Owner` to be filled in.
struct Key<Owner> {
  var name: String
  var isRequired: Bool
  /// The property's entry in the JSON Schema, with description and default.
  var schema: JSONValue
  var explanation: String
  /// Reads the value into the owner, or reports an issue.
  var read: (Node, inout Owner, inout Reading) -> Void
  /// The value with every default written out; nil when the file says nothing and there is no default to tell.
  var complete: (Node?) -> ResolvedValue?
}

extension Shape where Value: SchemaObject {
  /// The shape that a type's table of keys describes.
  static var object: Shape {
    let table = Value.keys
    return Shape(
      schema: table.schema, read: table.read, complete: table.complete,
      completeMissing: { _ in
        table.keys.contains(where: \.isRequired)
          ? nil : table.complete(Node(content: .mapping([]), origin: .flag("")))
      })
  }
}

/// A type whose values are mappings in the file.
protocol SchemaObject {
  /// A value with every default in place, for the keys to fill in.
  init()
  /// The keys the mapping may have. The reader and the JSON Schema are both made of this table.
  static var keys: KeyTable<Self> { get }
}

/// Everything a mapping may say, what later versions will understand, and what must hold between
/// its keys.
struct KeyTable<Owner: SchemaObject> {
  var keys: [Key<Owner>]
  /// Keys of later versions, with what to do in this one: a person copying from the documentation
  /// of a newer version learns more from this than from "unknown key".
  var later: [(name: String, advice: String)] = []
  /// Whether a default of this key is worth telling in a mapping with these members: not when it would mean nothing there,
  /// or be refused.
  var tells: (_ key: String, _ members: [Node.Member]) -> Bool = { _, _ in true }
  /// Checks across keys once all were read, and what depends on where the mapping stands.
  var finish: (inout Owner, Node, inout Reading) -> Void = { _, _, _ in }

  func read(_ node: Node, _ reading: inout Reading) -> Owner? {
    let issuesBefore = reading.issues.count
    guard let members = members(of: node) else {
      let some = keys.prefix(6).map(\.name) + (keys.count > 6 ? ["…"] : [])
      reading.report(
        node.origin, "expected a mapping (\(some.joined(separator: ", "))), found \(node.kindName)")
      return nil
    }
    var owner = Owner()
    for member in members {
      guard let key = keys.first(where: { $0.name == member.key }) else {
        refuse(member, &reading)
        continue
      }
      reading.descend(key.name, member.value) { key.read($0, &owner, &$1) }
    }
    for key in keys where key.isRequired && !isNamed(key, in: members) {
      reading.report(node.origin, "the key \"\(key.name)\" is missing: \(key.explanation)")
    }
    guard reading.issues.count == issuesBefore else { return nil }
    finish(&owner, node, &reading)
    return reading.issues.count == issuesBefore ? owner : nil
  }

  /// The mapping with every default written out, in the order of the table.
  func complete(_ node: Node) -> ResolvedValue {
    let members = members(of: node) ?? []
    return .mapping(
      keys.compactMap { key in
        let written = members.first { $0.key == key.name }?.value
        guard let value = key.complete(written),
          written != nil || (!value.isEmpty && tells(key.name, members))
        else { return nil }
        return .init(key: key.name, value: value)
      })
  }

  /// Whether the key is there, or mistyped: then it was complained about already.
  private func isNamed(_ key: Key<Owner>, in members: [Node.Member]) -> Bool {
    members.contains { member in
      member.key == key.name
        || (!keys.contains { $0.name == member.key } && !later.contains { $0.name == member.key }
          && suggestion(for: member.key) == key.name)
    }
  }

  private func suggestion(for name: String) -> String? {
    Suggestion.among(keys.map(\.name), for: name)
  }

  /// The mapping's members. Nothing at all counts as an empty mapping where no key is required: a
  /// section of which every line is commented out means the defaults.
  private func members(of node: Node) -> [Node.Member]? {
    switch node.content {
    case .mapping(let members): members
    case .scalar(let scalar) where scalar.isNull && !keys.contains(where: \.isRequired): []
    default: nil
    }
  }

  private func refuse(_ member: Node.Member, _ reading: inout Reading) {
    reading.descend(member.key, member.value) { _, reading in
      if let (name, advice) = later.first(where: { $0.name == member.key }) {
        reading.report(member.keyOrigin, "\"\(name)\" is not available in this version: \(advice)")
        return
      }
      let hint =
        suggestion(for: member.key).map { "; did you mean \"\($0)\"?" }
        ?? "; known here: \(keys.map(\.name).joined(separator: ", "))"
      reading.report(member.keyOrigin, "unknown key \"\(member.key)\"\(hint)")
    }
  }

  var schema: JSONValue {
    // An editor accepts an empty section where the reader does.
    let isAllOptional = !keys.contains(where: \.isRequired)
    let schema: JSONValue = [
      "type": isAllOptional ? ["object", "null"] : "object",
      "properties": .object(keys.map { JSONValue.Member(name: $0.name, value: $0.schema) }),
    ]
    let required = keys.filter(\.isRequired).map { JSONValue.string($0.name) }
    return (required.isEmpty ? schema : schema.adding("required", .array(required)))
      .adding("additionalProperties", false)
  }
}

extension Key where Owner: SchemaObject {
  /// The same key without a default in the schema, for a value whose default depends on other keys.
  var withoutDefault: Key {
    guard case .object(let members) = schema else { return self }
    var key = self
    key.schema = .object(members.filter { $0.name != "default" })
    let complete = key.complete
    key.complete = { $0 == nil ? nil : complete($0) }
    return key
  }

  /// A key that must be there.
  static func required<Value>(
    _ name: String, _ property: WritableKeyPath<Owner, Value>, _ shape: Shape<Value>,
    _ explanation: String
  ) -> Key {
    make(name, property, shape, explanation, isRequired: true, default: nil)
  }

  /// A key that may be left out; the default is the property's value in `Owner()`.
  static func optional<Value>(
    _ name: String, _ property: WritableKeyPath<Owner, Value>, _ shape: Shape<Value>,
    _ explanation: String
  ) -> Key {
    make(
      name, property, shape, explanation, isRequired: false,
      default: shape.show(Owner()[keyPath: property]))
  }

  private static func make<Value>(
    _ name: String, _ property: WritableKeyPath<Owner, Value>, _ shape: Shape<Value>,
    _ explanation: String, isRequired: Bool, default fallback: JSONValue?
  ) -> Key {
    let head = JSONValue.Member(name: "description", value: .string(explanation))
    let described = JSONValue.object([head] + (shape.schema.members ?? []))
    return Key(
      name: name, isRequired: isRequired,
      schema: fallback.map { described.adding("default", $0) } ?? described,
      explanation: explanation,
      read: { node, owner, reading in
        if let value = shape.read(node, &reading) { owner[keyPath: property] = value }
      },
      complete: { node in
        if let node { return shape.complete(node) }
        return isRequired ? nil : shape.missing(Owner()[keyPath: property])
      })
  }
}
