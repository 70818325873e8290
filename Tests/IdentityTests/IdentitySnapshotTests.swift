import Testing

@testable import Identity

@Suite struct IdentitySnapshotTests {
  private func makeAccount(_ name: String, _ digest: [UInt8]) -> ServiceAccount {
    ServiceAccount(name: name, keyDigest: digest, groups: [])
  }

  private func digest(prefix: UInt8, last: UInt8) -> [UInt8] {
    [UInt8](repeating: prefix, count: 8) + [UInt8](repeating: 0, count: 23) + [last]
  }

  @Test func digestsThatShareTheirPrefixAreToldApart() throws {
    let snapshot = try IdentitySnapshot(
      accounts: (0..<20).map { makeAccount("\($0)", digest(prefix: 7, last: UInt8($0))) },
      anonymous: nil)
    for last in 0..<20 {
      let found = account(withDigest: digest(prefix: 7, last: UInt8(last)), in: snapshot)
      #expect(found == UInt32(last))
    }
    let absent = account(withDigest: digest(prefix: 7, last: 20), in: snapshot)
    #expect(absent == nil)
  }

  @Test func digestsThatShareTheirSlotAreToldApart() throws {
    // The slot is the prefix modulo the table's size: these differ only in the prefix's high bytes.
    func digest(_ high: UInt8) -> [UInt8] {
      [5, 0, 0, 0, 0, 0, 0, high] + [UInt8](repeating: 9, count: 24)
    }
    let snapshot = try IdentitySnapshot(
      accounts: (0..<50).map { makeAccount("\($0)", digest(UInt8($0))) }, anonymous: nil)
    for high in 0..<60 {
      let found = account(withDigest: digest(UInt8(high)), in: snapshot)
      #expect(found == (high < 50 ? UInt32(high) : nil))
    }
  }

  @Test func twoAccountsCannotShareAName() {
    #expect(throws: IdentityError.duplicateName("a")) {
      try IdentitySnapshot(
        accounts: [
          makeAccount("a", digest(prefix: 1, last: 1)),
          makeAccount("a", digest(prefix: 2, last: 2)),
        ],
        anonymous: nil)
    }
  }

  @Test func twoAccountsCannotShareAKey() {
    #expect(throws: IdentityError.duplicateKey("a", "b")) {
      try IdentitySnapshot(
        accounts: [
          makeAccount("a", digest(prefix: 1, last: 1)),
          makeAccount("b", digest(prefix: 1, last: 1)),
        ],
        anonymous: nil)
    }
  }

  @Test(arguments: [0, 31, 33])
  func aDigestHas32Bytes(count: Int) {
    #expect(throws: IdentityError.digestLength(account: "a", bytes: count)) {
      try IdentitySnapshot(
        accounts: [makeAccount("a", [UInt8](repeating: 0, count: count))], anonymous: nil)
    }
  }
}
