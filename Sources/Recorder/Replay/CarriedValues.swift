internal import PlainJSON

/// Values of a server's own making that a client gives back as they are: a list's cursor, the state of a call that asked for
/// more, the name of a task. Another run has others, so a replay puts those of its own run in place of the recorded ones.
struct CarriedValues {
  /// The member of a result, and that of a request's parameters which gives it back.
  private static let members = [
    "nextCursor": "cursor", "requestState": "requestState", "taskId": "taskId",
  ]

  /// By the parameter's name and the recorded value.
  private var now: [String: String] = [:]

  /// Whether a member of an answer is such a value. `path` is that of the object which has it.
  static func isCarried(_ key: String, at path: String) -> Bool {
    members[key] != nil && (path == "$.result" || path == "$.result.task")
  }

  mutating func note(recorded: ReplayJSON, now answer: ReplayJSON) {
    let results = [(recorded["result"], answer["result"])]
    for (left, right) in results + results.map({ ($0.0?["task"], $0.1?["task"]) }) {
      for (member, parameter) in Self.members {
        guard let then = left?[member]?.text, let new = right?[member]?.text else { continue }
        now["\(parameter) \(then)"] = new
      }
    }
  }

  /// The request with the values of this run.
  func renew(_ body: [UInt8], _ message: ReplayJSON) -> ([UInt8], ReplayJSON) {
    var body = body
    for parameter in Self.members.values {
      guard let then = message["params"]?[parameter]?.text, let new = now["\(parameter) \(then)"],
        new != then, let place = Self.place(of: then, called: parameter, in: body)
      else { continue }
      body.replaceSubrange(place, with: Array(JSONText.quoted(new).utf8))
    }
    return (body, ReplayJSON(body) ?? message)
  }

  /// Where `"called": "value"` has its value, quotes included; nil when it is written with other escapes than ours.
  private static func place(
    of value: String, called name: String, in body: [UInt8]
  ) -> Range<Int>? {
    let key = Array("\"\(name)\"".utf8)
    let quoted = Array(JSONText.quoted(value).utf8)
    for start in body.indices where body[start...].starts(with: key) {
      var at = start + key.count
      while at < body.count, [0x20, 0x09, 0x0A, 0x0D, 0x3A].contains(body[at]) { at += 1 }
      if body[at...].starts(with: quoted) { return at..<at + quoted.count }
    }
    return nil
  }
}
