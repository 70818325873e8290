import Policy
import Testing
import Wire

/// Random answers with marked secrets: none of a secret's bytes survive, everything else does.
@Suite("Masking: properties")
struct MaskPropertyTests {
  struct Answers {
    var random: MaskRandom
    var secrets = 0
    let names = ["ssn", "Email", "card_number", "über"]

    mutating func chance(_ percent: Int) -> Bool {
      Int.random(in: 0..<100, using: &random) < percent
    }

    /// A value; strings and numbers inside a masked one carry the mark, everything else does not.
    mutating func value(depth: Int, secret: Bool, nesting: Int) -> String {
      let kind = Int.random(in: 0..<(depth > 3 ? 4 : 8), using: &random)
      switch kind {
      case 0:
        secrets += secret ? 1 : 0
        return secret
          ? "77340\(Int.random(in: 100...999, using: &random))"
          : "\(Int.random(in: 0..<1000, using: &random))"
      case 1: return ["true", "false", "null"].randomElement(using: &random)!
      case 2, 3:
        secrets += secret ? 1 : 0
        let text =
          secret
          ? "SECRET\(Int.random(in: 0..<1000, using: &random))"
          : ["plain", "it's", "a \"b\"", "Zoë\n", "{", ""].randomElement(using: &random)!
        return "\"\(jsonEscaped(text, ascii: chance(30)))\""
      case 4:
        return "["
          + (0..<Int.random(in: 0..<4, using: &random)).map { _ in
            value(depth: depth + 1, secret: secret, nesting: nesting)
          }.joined(separator: ",") + "]"
      case 5 where nesting < 3:
        return
          "\"\(jsonEscaped(object(depth: depth + 1, secret: secret, nesting: nesting + 1), ascii: chance(30)))\""
      default: return object(depth: depth + 1, secret: secret, nesting: nesting)
      }
    }

    mutating func object(depth: Int, secret: Bool, nesting: Int) -> String {
      var members: [String] = []
      for number in 0..<Int.random(in: 0..<5, using: &random) {
        if chance(40), number < names.count {
          let name = chance(50) ? names[number] : names[number].uppercasedASCII
          members.append(
            "\"\(jsonEscaped(name, ascii: chance(30)))\"\(blank()):\(blank())\(value(depth: depth, secret: true, nesting: nesting))"
          )
        } else {
          members.append(
            "\"key\(number)\"\(blank()):\(value(depth: depth, secret: secret, nesting: nesting))")
        }
      }
      return "{" + members.joined(separator: "," + blank()) + "}"
    }

    mutating func blank() -> String {
      chance(20) ? [" ", "\n  "].randomElement(using: &random)! : ""
    }
  }

  @Test("no secret survives, masking again changes nothing more, and the rest is as it was")
  func secrets() throws {
    let program = try MaskProgram(fields: [
      field("SSN"), field("email", rule: 1), field("Card_Number", rule: 2), field("Über", rule: 3),
      field("über", rule: 3),
    ])
    var masker = Masker()
    var answers = Answers(random: MaskRandom(state: 99))
    var masked = 0
    for round in 0..<1500 {
      let content = answers.object(depth: 0, secret: false, nesting: round % 2)
      let message =
        round % 2 == 0 ? answer(structured: content) : answer(text: content, ascii: round % 4 == 1)
      let result = try mask(message, program, &masker)
      #expect(!result.text.contains("SECRET"), "\(message)\n\(result.text)")
      #expect(!result.text.contains("77340"), "\(message)\n\(result.text)")
      if case .masked = result.outcome { masked += 1 }
      // The same message with secrets already replaced is what comes out, once both are brought to one spelling.
      let again = try mask(result.text, program, &masker)
      #expect(again.text == result.text)
      #expect(
        meaning(of: message, without: isMasked) == meaning(of: result.text, without: isMasked))
    }
    #expect(masked > 700 && answers.secrets > 1000)
  }

  private func isMasked(_ name: String) -> Bool {
    // Only ASCII letters are folded.
    ["ssn", "email", "card_number"].contains(name.lowercased()) || name == "über" || name == "üBER"
  }
}

extension String {
  fileprivate var uppercasedASCII: String {
    String(decoding: utf8.map { $0 >= 0x61 && $0 < 0x7B ? $0 - 0x20 : $0 }, as: UTF8.self)
  }
}
