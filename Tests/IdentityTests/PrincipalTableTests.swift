import Policy
import Testing

@testable import Identity

@Suite struct PrincipalTableTests {
  private let principal: Principal

  init() throws {
    principal = try PolicyProgram(
      definition: PolicyDefinition(
        servers: [ServerDefinition(name: "s")], hasIdentityProvider: true)
    ).makePrincipal(kind: .user, name: "corp/alice", groups: [])
  }

  private func digest(_ number: Int) -> InlineArray<32, UInt8> {
    let bytes = APIKey.sha256(of: Array("\(number)".utf8))
    return InlineArray { bytes[$0] }
  }

  private func insert(
    _ number: Int, into table: inout PrincipalTable, server: Int32 = 0, expires: UInt64 = 100
  ) -> UInt32? {
    table.insert(
      digest(number), server: server, now: 0, tokenExpiry: expires, principal: principal,
      identity: APIKey.sha256(of: [UInt8(truncatingIfNeeded: number)]),
      person: APIKey.sha256(of: [1, UInt8(truncatingIfNeeded: number)]), name: "corp/\(number)")
  }

  private func name(_ reference: UInt32, in table: borrowing PrincipalTable) -> String {
    unsafe table.name(reference).withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  @Test func aTokenIsFoundByItsServerUntilItExpires() throws {
    var table = PrincipalTable()
    #expect(table.find(digest(1), server: 0, now: 0) == nil)
    let reference = try #require(insert(1, into: &table))
    #expect(PrincipalTable.isReference(reference) && !PrincipalTable.isReference(.max))
    #expect(table.find(digest(1), server: 0, now: 99) == reference)
    #expect(table.find(digest(1), server: 1, now: 99) == nil)
    #expect(table.find(digest(2), server: 0, now: 99) == nil)
    #expect(name(reference, in: table) == "corp/1")
    let person = unsafe table.person(reference).withUnsafeBytes { unsafe Array($0) }
    let identity = unsafe table.identity(reference).withUnsafeBytes { unsafe Array($0) }
    #expect(person == APIKey.sha256(of: [1, 1]) && identity == APIKey.sha256(of: [1]))
    #expect(table.find(digest(1), server: 0, now: 100) == nil)
    #expect(table.count == 0)
  }

  @Test func aTokenForEveryServerIsFoundByAll() {
    var table = PrincipalTable()
    let reference = insert(1, into: &table, server: PrincipalTable.everyServer)
    #expect(table.find(digest(1), server: 5, now: 0) == reference)
  }

  @Test func whatIsInUseStaysReadable() throws {
    var table = PrincipalTable()
    let used = try #require(insert(1, into: &table))
    let unused = try #require(insert(2, into: &table))
    table.retain(used)
    table.forgetAll()
    #expect(table.count == 0)
    #expect(table.find(digest(1), server: 0, now: 0) == nil)
    #expect(table.find(digest(2), server: 0, now: 0) == nil)
    #expect(insert(3, into: &table) == unused)
    #expect(name(used, in: table) == "corp/1")
    table.release(used)
    #expect(insert(4, into: &table) == used)
    #expect(name(used, in: table) == "corp/4")
  }

  @Test func whenItIsFullTheTokensNotUsedLatelyGo() throws {
    var table = PrincipalTable()
    let first = try #require(insert(0, into: &table))
    table.retain(first)
    for number in 1..<PrincipalTable.capacity { #expect(insert(number, into: &table) != nil) }
    for number in PrincipalTable.capacity..<PrincipalTable.capacity + 100 {
      #expect(insert(number, into: &table) != nil)
    }
    #expect(table.count == PrincipalTable.capacity)
    #expect(table.find(digest(0), server: 0, now: 0) == first)
    #expect(name(first, in: table) == "corp/0")
  }

  @Test func whenAllAreInUseThereIsNoRoom() throws {
    var table = PrincipalTable()
    for number in 0..<PrincipalTable.capacity {
      table.retain(try #require(insert(number, into: &table)))
    }
    #expect(insert(-1, into: &table) == nil)
    table.release(PrincipalTable.tag + 7)
    let only = try #require(insert(-1, into: &table))
    #expect(only == PrincipalTable.tag + 7)
    table.retain(only)
    #expect(table.find(digest(7), server: 0, now: 0) == nil)
    #expect(insert(-2, into: &table) == nil)
  }

  /// Against a plain dictionary, with what is in use, for many histories.
  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func itBehavesLikeADictionary(seed: UInt64) throws {
    var table = PrincipalTable()
    var random = SplitMix(state: seed)
    var known: [Int: (reference: UInt32, expires: UInt64)] = [:]
    var used: [(reference: UInt32, number: Int)] = []
    for now in 0..<UInt64(20_000) {
      let number = Int(random.next() % 300)
      switch random.next() % 100 {
      case 0..<40:
        let found = table.find(digest(number), server: 0, now: now)
        let expected = known[number].flatMap { now < $0.expires ? $0.reference : nil }
        #expect(found == expected)
        if expected == nil { known[number] = nil }
        if let found { #expect(name(found, in: table) == "corp/\(number)") }
      case 40..<70:
        guard table.find(digest(number), server: 0, now: now) == nil else { continue }
        let expires = now + random.next() % 2000
        known[number] = (try #require(insert(number, into: &table, expires: expires)), expires)
      case 70..<85:
        guard let entry = known[number] else { continue }
        table.retain(entry.reference)
        used.append((entry.reference, number))
      case 85..<99:
        guard !used.isEmpty else { continue }
        let entry = used.remove(at: Int(random.next() % UInt64(used.count)))
        #expect(name(entry.reference, in: table) == "corp/\(entry.number)")
        table.release(entry.reference)
      default:
        guard random.next() % 20 == 0 else { continue }
        table.forgetAll()
        known = [:]
      }
    }
    for entry in used { #expect(name(entry.reference, in: table) == "corp/\(entry.number)") }
  }
}

private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
