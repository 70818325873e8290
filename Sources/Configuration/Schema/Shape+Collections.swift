import PlainJSON
import Policy

extension Shape {
  /// A list of values of one shape.
  static func list<Element>(
    _ element: Shape<Element>, atLeast minimum: Int = 0, atMost maximum: Int = 4096
  ) -> Shape<[Element]> where Value == [Element] {
    var schema: JSONValue = ["type": "array", "items": element.schema]
    if minimum > 0 { schema = schema.adding("minItems", .integer(Int64(minimum))) }
    return Shape(
      schema: schema.adding("maxItems", .integer(Int64(maximum))),
      read: { node, reading in
        guard case .list(let nodes) = node.content else {
          let advice =
            if case .scalar(let scalar) = node.content, !scalar.isNull {
              "; write [\(scalar.text)]"
            } else { "" }
          reading.report(node.origin, "expected a list, found \(node.kindName)\(advice)")
          return nil
        }
        guard nodes.count >= minimum else {
          reading.report(
            node.origin,
            "this list needs at least \(minimum == 1 ? "one element" : "\(minimum) elements")")
          return nil
        }
        guard nodes.count <= maximum else {
          reading.report(node.origin, "more than \(maximum) elements")
          return nil
        }
        var values: [Element] = []
        for (index, node) in nodes.enumerated() {
          if let value = reading.descend(index, node, element.read) { values.append(value) }
        }
        return values.count == nodes.count ? values : nil
      },
      show: { values in
        let shown = values.compactMap(element.show)
        return shown.count == values.count ? .array(shown) : nil
      },
      complete: { node in
        guard case .list(let nodes) = node.content else { return ResolvedValue(node) }
        return .list(nodes.map(element.complete))
      })
  }

  /// A mapping whose keys are the person's own: names of servers, paths of arguments.
  ///
  /// - Parameter makeValue: puts key and value together.
  static func mapping<Content, Element>(
    keys: Shape<String>, _ content: Shape<Content>,
    _ makeElement: @escaping (String, Node.Origin, Content) -> Element
  ) -> Shape<[Element]> where Value == [Element] {
    Shape(
      schema: [
        "type": "object", "propertyNames": keys.schema, "additionalProperties": content.schema,
      ],
      read: { node, reading in
        guard case .mapping(let members) = node.content else {
          reading.report(node.origin, "expected a mapping (name: …), found \(node.kindName)")
          return nil
        }
        var elements: [Element] = []
        for member in members {
          let element: Element? = reading.descend(member.key, member.value) { node, reading in
            let key = Node(
              content: .scalar(.init(text: member.key, isPlain: false)), origin: member.keyOrigin)
            guard keys.read(key, &reading) != nil, let value = content.read(node, &reading) else {
              return nil
            }
            return makeElement(member.key, member.keyOrigin, value)
          }
          if let element { elements.append(element) }
        }
        return elements.count == members.count ? elements : nil
      },
      complete: { node in
        guard case .mapping(let members) = node.content else { return ResolvedValue(node) }
        return .mapping(members.map { .init(key: $0.key, value: content.complete($0.value)) })
      })
  }
}
