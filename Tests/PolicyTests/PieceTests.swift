import Testing
import Wire

@testable import Policy

/// The pieces that compilation and decision stand on, one by one.
struct PieceTests {
  // MARK: Globs

  /// What a glob means, said recursively.
  private func matches(_ pattern: Substring.UnicodeScalarView, _ name: Substring.UnicodeScalarView)
    -> Bool
  {
    guard let first = pattern.first else { return name.isEmpty }
    let rest = pattern.dropFirst()
    if first == "*" {
      return matches(rest, name) || (!name.isEmpty && matches(pattern, name.dropFirst()))
    }
    guard let head = name.first, first == "?" || first == head else { return false }
    return matches(rest, name.dropFirst())
  }

  private func text(_ alphabet: String, _ length: Int, _ random: inout SplitMix) -> String {
    let letters = Array(alphabet)
    return String((0..<length).map { _ in letters[Int(random.next() % UInt64(letters.count))] })
  }

  @Test func globsMeanWhatTheirDefinitionSays() {
    var random = SplitMix(seed: 1)
    var matched = 0
    for _ in 0..<20_000 {
      let pattern = text("ab*?é", Int(random.next() % 7), &random)
      let name = text("abé", Int(random.next() % 7), &random)
      let expected = matches(pattern[...].unicodeScalars, name[...].unicodeScalars)
      #expect(Glob.matches(pattern, name) == expected, "\(pattern) \(name)")
      matched += expected ? 1 : 0
    }
    #expect(matched > 1000)
  }

  @Test func whatGlobsShareAndCoverAgreesWithTheNames() {
    let names = (0..<5).flatMap { length in words(length) }
    var random = SplitMix(seed: 2)
    for _ in 0..<1500 {
      let left = text("ab*?", Int(random.next() % 5), &random)
      let right = text("ab*?", Int(random.next() % 5), &random)
      let ofLeft = Set(names.filter { Glob.matches(left, $0) })
      let ofRight = Set(names.filter { Glob.matches(right, $0) })
      // Names of up to four letters are enough to tell patterns of up to four elements apart.
      if Glob.intersect(left, right) {
        #expect(
          !ofLeft.isDisjoint(with: ofRight) || left.count + right.count > 4, "\(left) \(right)")
      } else {
        #expect(ofLeft.isDisjoint(with: ofRight), "\(left) \(right)")
      }
      if Glob.covers(left, right) { #expect(ofRight.isSubset(of: ofLeft), "\(left) \(right)") }
    }
    #expect(Glob.covers("list_*", "list_a*") && Glob.covers("*", "a?") && Glob.covers("a?", "ab"))
  }

  private func words(_ length: Int) -> [String] {
    length == 0 ? [""] : words(length - 1).flatMap { [$0 + "a", $0 + "b"] }
  }

  // MARK: Folding

  @Test(arguments: [
    ("Query", "query"), (" query ", "query"), ("a b", "a b"), ("que\u{200B}ry", "query"),
    ("ＱＵＥＲＹ＿１", "query_1"), ("\u{212A}e\u{17F}", "kes"), ("\u{3000}a\u{A0}", "a"), ("É", "É"),
    ("a\u{0}", "a"), ("\u{FEFF}a\u{E0041}", "a"), ("日本", "日本"), ("", ""), ("  ", ""),
  ])
  func folding(name: String, folded: String) {
    #expect(String(decoding: NameFold.fold(name), as: UTF8.self) == folded)
    #expect(NameFold.fold(folded) == Array(folded.utf8))
  }

  @Test func theFastPathOfFoldingAgreesWithTheSlow() {
    var random = SplitMix(seed: 3)
    for _ in 0..<20_000 {
      let key = Array(text("abAB Ａ\u{200B}", Int(random.next() % 4), &random).utf8)
      let exact = Array(text("abAB ", Int(random.next() % 4), &random).utf8)
      let folded = NameFold.fold(String(decoding: exact, as: UTF8.self))
      let expected = key != exact && NameFold.fold(String(decoding: key, as: UTF8.self)) == folded
      let actual = unsafe withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { memory in
        var buffer = unsafe ByteWriter(unsafeInto: memory.baseAddress!, capacity: 64)
        return unsafe NameFold.differsOnlyByFolding(
          key.span.bytes, exact: exact.span.bytes, folded: folded.span.bytes, buffer: &buffer)
      }
      #expect(actual == expected)
    }
  }

  // MARK: Decimals

  private func decimal(_ literal: String) -> DecimalNumber? {
    DecimalNumber(NumberLiteral(literal))
  }

  @Test func decimalsCompareLikeScaledIntegers() throws {
    var random = SplitMix(seed: 4)
    for _ in 0..<20_000 {
      let left = Int64(random.next() % 4001) - 2000
      let right = Int64(random.next() % 4001) - 2000
      let order = left < right ? -1 : left == right ? 0 : 1
      let a = try #require(decimal(spell(left, &random)))
      let b = try #require(decimal(spell(right, &random)))
      #expect(a.compare(to: b) == order, "\(left) \(right)")
    }
  }

  /// `value` thousandths, in one of many spellings.
  private func spell(_ value: Int64, _ random: inout SplitMix) -> String {
    let sign = value < 0 ? "-" : ""
    let magnitude = value.magnitude
    let fraction = String(String(1000 + magnitude % 1000).dropFirst())
    switch random.next() % 4 {
    case 0: return "\(sign)\(magnitude / 1000).\(fraction)"
    case 1: return "\(sign)\(magnitude)e-3"
    case 2: return "\(sign)\(magnitude == 0 ? "0" : "\(magnitude)000")E-06"
    default:
      return
        "\(sign)0.0\(String(repeating: "0", count: 5))\(magnitude)e+\(6 + String(magnitude).count - 3)"
    }
  }

  @Test func decimalsHaveBounds() {
    #expect(decimal(String(repeating: "9", count: 64)) != nil)
    #expect(decimal(String(repeating: "9", count: 65)) == nil)
    #expect(decimal("1e999999") != nil)
    #expect(decimal("1e1000001") == nil)
    #expect(decimal("1e99999999999999999999") == nil)
    #expect(decimal("0e99999999999999999999") != nil)
  }

  // MARK: Digests

  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func sha256(message: String, digest: String) {
    let hexadecimal = SHA256.digest(of: Array(message.utf8)).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }
    #expect(hexadecimal.joined() == digest)
  }

  @Test func longMessagesPadRight() {
    // FIPS 180-4's third vector: a million times the letter a.
    let digest = SHA256.digest(of: Array(repeating: UInt8(ascii: "a"), count: 1_000_000))
    #expect(digest.prefix(4) == [0xcd, 0xc7, 0x6e, 0x5c])
    #expect(Set((50...130).map { SHA256.digest(of: Array(repeating: 0, count: $0)) }).count == 81)
  }

  @Test func revisionsStandForMeaning() {
    let digits = { (definition: PolicyDefinition) in
      String(decoding: PolicyRevision.digits(of: definition), as: UTF8.self)
    }
    var definition = PolicyDefinition.simple(
      tools: ["a", "b"], rules: [.on("x", [.prefix("y")]), .masking()])
    let base = digits(definition)
    #expect(base.count == 16 && base.allSatisfy(\.isHexDigit))
    #expect(digits(definition) == base)
    definition.rules[0].position = SourcePosition(line: 1, column: 1)
    definition.profiles[0].allow[0].tools.reverse()
    #expect(digits(definition) == base)
    var others = [definition, definition, definition, definition, definition]
    others[0].rules.swapAt(0, 1)
    others[1].rules[0].effect = .allow
    others[2].profiles[0].allow[0].tools.append("c")
    others[3].principals[0].groups.append("more")
    others[4].rules[0].match.tools = ["a"]
    #expect(Set(others.map(digits) + [base]).count == 6)
  }
}

/// A small generator whose sequence a seed fixes.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
