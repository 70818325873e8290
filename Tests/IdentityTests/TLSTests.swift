import Identity
import TLSTestSupport
import Testing

/// TLS between two ends in memory: what is agreed on, what is refused, and why.
struct TLSTests {
  @Test(arguments: [1, 2, 7, 100, 16384], TLSVersion.allCases)
  func bothEndsAgreeHoweverTheBytesAreSplit(bytesMax: Int, minimum: TLSVersion) throws {
    let server = TLSEnd(try TLSSamples.listener([TLSSamples.local.get()], minimum: minimum))
    let client = TLSEnd(try TLSSamples.client())
    converse(client, server, bytesMax: bytesMax)
    #expect(client.isEstablished && server.isEstablished)
    #expect(client.version == .tls13 && server.version == .tls13)
    let question = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    client.send(question)
    server.send(Array(question.reversed()))
    converse(client, server, bytesMax: max(bytesMax, 50))
    #expect(server.takePlain() == question)
    #expect(client.takePlain() == question.reversed())
    client.end()
    converse(client, server, bytesMax: bytesMax)
    #expect(server.hasEnded && server.failure == nil)
  }

  @Test func aHandshakeGoesOnWhenThereIsLittleRoom() throws {
    let server = TLSEnd(try TLSSamples.listener([TLSSamples.local.get()]))
    let client = TLSEnd(try TLSSamples.client())
    converse(client, server, room: 100)
    #expect(client.isEstablished && server.isEstablished)
  }

  @Test func anAddressIsVerifiedToo() throws {
    let server = TLSEnd(try TLSSamples.listener([TLSSamples.local.get()]))
    let client = TLSEnd(try TLSSamples.client("127.0.0.1", isAddress: true))
    converse(client, server)
    #expect(client.isEstablished)
    let other = TLSEnd(try TLSSamples.client("127.0.0.2", isAddress: true))
    converse(other, TLSEnd(try TLSSamples.listener([TLSSamples.local.get()])))
    #expect(other.failure == .certificateWrongName)
  }

  // MARK: Certificates that are refused

  static func failure(
    of issued: TestAuthority.Issued, name: String = "localhost", authority: TestAuthority? = nil
  ) throws -> (client: TLSFailure?, server: TLSFailure?) {
    let server = TLSEnd(try TLSSamples.listener([issued]))
    let client = TLSEnd(try TLSSamples.client(name, authority: authority))
    converse(client, server)
    #expect(!client.isEstablished)
    #expect(client.takePlain().isEmpty)
    return (client.failure, server.failure)
  }

  @Test func anExpiredCertificate() throws {
    let issued = try TLSSamples.authority.get().issue(["DNS:localhost"], days: -1)
    let failure = try Self.failure(of: issued)
    #expect(failure.client == .certificateExpired)
    #expect(failure.server == .refusedByPeer, "the server is told by an alert")
  }

  @Test(arguments: ["DNS:other.example", "DNS:*.localhost", "DNS:local*", "IP:127.0.0.1"])
  func aCertificateForAnotherName(name: String) throws {
    let issued = try TLSSamples.authority.get().issue([name])
    #expect(try Self.failure(of: issued).client == .certificateWrongName)
  }

  @Test func aCommonNameIsNoName() throws {
    let issued = try TLSSamples.authority.get().issue(["DNS:x.example"])
    #expect(
      try Self.failure(of: issued, name: "of-no-importance").client == .certificateWrongName)
  }

  @Test func aCertificateOfAnUnknownAuthority() throws {
    let other = try TestAuthority(name: "Another authority")
    let failure = try Self.failure(of: TLSSamples.local.get(), authority: other)
    #expect(failure.client == .certificateUnknownAuthority)
  }

  @Test func aCertificateThatIsNotForServers() throws {
    let issued = try TLSSamples.authority.get().issue(["DNS:localhost"], usage: "clientAuth")
    #expect(try Self.failure(of: issued).client == .certificateUnsuitable)
  }

  // MARK: Versions and protocols

  @Test func noVersionInCommon() throws {
    let server = TLSEnd(try TLSSamples.listener([TLSSamples.local.get()], minimum: .tls13))
    server.take(Self.oldHello(version: 0x0303))
    #expect(server.failure == .version)
  }

  @Test(arguments: [0x0300, 0x0301, 0x0302] as [UInt16])
  func oldVersionsAreRefused(version: UInt16) throws {
    let server = TLSEnd(try TLSSamples.listener([TLSSamples.local.get()]))
    server.take(Self.oldHello(version: version))
    #expect(server.failure == .version)
  }

  /// A ClientHello as clients before TLS 1.3 sent it (RFC 5246 §7.4.1.2), with a cipher suite of its time.
  static func oldHello(version: UInt16) -> [UInt8] {
    let high = UInt8(version >> 8)
    let low = UInt8(truncatingIfNeeded: version)
    let body =
      [high, low] + [UInt8](repeating: 7, count: 32) + [0, 0, 4, 0xC0, 0x2B, 0xC0, 0x13, 1, 0]
    let message = [1, 0, 0, UInt8(body.count)] + body
    return [22, 3, 1, 0, UInt8(message.count)] + message
  }

  @Test func whatIsNotTLSIsCalledThat() throws {
    let client = TLSEnd(try TLSSamples.client())
    client.take([])
    client.take(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
    #expect(client.failure == .notTLS)
  }

  // MARK: Tampering and ends

  @Test func aChangedByteBreaksTheConnection() throws {
    for place in 0..<40 {
      let server = TLSEnd(try TLSSamples.listener([TLSSamples.local.get()]))
      let client = TLSEnd(try TLSSamples.client())
      converse(client, server)
      client.send(Array("twenty bytes of text".utf8))
      client.outgoing[place] ^= 0x40
      converse(client, server)
      #expect(server.takePlain().isEmpty, "byte \(place)")
      // A changed length only leaves the server waiting for more.
      #expect(server.failure != nil || place == 3 || place == 4, "byte \(place)")
    }
  }

  @Test func anEndIsOnlyWhatThePeerHasSaid() throws {
    let server = TLSEnd(try TLSSamples.listener([TLSSamples.local.get()]))
    let client = TLSEnd(try TLSSamples.client())
    converse(client, server)
    server.send(Array("half".utf8))
    converse(client, server)
    #expect(client.takePlain() == Array("half".utf8))
    #expect(!client.hasEnded)
    server.end()
    converse(client, server)
    #expect(client.hasEnded)
    // The other direction is still open.
    client.send(Array("more".utf8))
    converse(client, server)
    #expect(server.takePlain() == Array("more".utf8))
  }

  // MARK: Names, clients' certificates, tickets

  @Test func certificatesAreChosenByName() throws {
    let authority = try TLSSamples.authority.get()
    let first = try authority.issue(["DNS:a.example"])
    let second = try authority.issue(["DNS:b.example", "DNS:*.c.example"])
    let listener = try TLSSamples.listener([first, second])
    for (name, works) in [
      ("a.example", true), ("b.example", true), ("x.c.example", true), ("d.example", false),
      ("x.y.c.example", false),
    ] {
      let client = TLSEnd(try TLSSamples.client(name))
      converse(client, TLSEnd(listener))
      #expect(client.isEstablished == works, "\(name)")
      if !works { #expect(client.failure == .certificateWrongName) }
    }
  }

  @Test func clientsNeedACertificateWhereOneIsRequired() throws {
    let authority = try TLSSamples.authority.get()
    let stranger = try TestAuthority(name: "Strangers")
    let listener = try TLSSamples.listener(
      [TLSSamples.local.get()], clientAuthorities: TLSAuthorities(pem: authority.pem))
    let known = try authority.issue(["DNS:agent"], usage: "clientAuth")
    let unknown = try stranger.issue(["DNS:agent"], usage: "clientAuth")
    for (identity, failure) in [
      (known, nil), (unknown, .certificateUnknownAuthority), (nil, .certificateMissing),
    ] as [(TestAuthority.Issued?, TLSFailure?)] {
      let server = TLSEnd(listener)
      converse(TLSEnd(try TLSSamples.client(identity: identity)), server)
      #expect(server.isEstablished == (failure == nil))
      #expect(server.failure == failure)
    }
  }

  @Test func aTicketShortensTheNextHandshake() throws {
    let context = try TLSSamples.client()
    let listener = try TLSSamples.listener([TLSSamples.local.get()])
    let first = TLSEnd(context)
    let server = TLSEnd(listener)
    converse(first, server)
    #expect(!first.isResumed)
    guard let ticket = first.ticket() else {
      Issue.record("the server gave no ticket")
      return
    }
    let second = TLSEnd(context, resuming: ticket)
    converse(second, TLSEnd(listener))
    #expect(second.isEstablished && second.isResumed)
    // Other certificates (a reload) know nothing of it, and all goes well.
    let third = TLSEnd(context, resuming: ticket)
    converse(third, TLSEnd(try TLSSamples.listener([TLSSamples.local.get()])))
    #expect(third.isEstablished && !third.isResumed)
  }

  // MARK: Files that cannot be used

  @Test func problemsAreNamed() throws {
    let authority = try TLSSamples.authority.get()
    let one = try authority.issue(["DNS:a"])
    let two = try authority.issue(["DNS:b"])
    func problem(_ chain: [UInt8], _ key: [UInt8]) -> TLSProblem? {
      do throws(TLSProblem) {
        _ = try TLSContext(listenerWith: [TLSIdentity(chain: chain, key: Secret(key))])
        return nil
      } catch { return error }
    }
    #expect(problem(one.chain, one.key) == nil)
    #expect(problem(one.chain, two.key) == .keyOfAnother)
    #expect(problem(one.key, one.key) == .noCertificate)
    #expect(problem(one.chain, one.chain) == .noKey)
    #expect(problem([], []) == .noCertificate)
    let encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgAAAAAAAAAAAICCAAw\nDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEAAAAAAAAAAAAAAAAAAAAAAEQAAA\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n-----END ENCRYPTED PRIVATE KEY-----\n"
    #expect(problem(one.chain, Array(encrypted.utf8)) == .keyIsEncrypted)
    #expect(throws: TLSProblem.noAuthority) { try TLSAuthorities(pem: Array("nothing".utf8)) }
  }
}
