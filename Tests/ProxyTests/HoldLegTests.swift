import EventLoop
import Foundation
import Policy
import Testing

@testable import Proxy

/// Held calls of modern clients, which repeat them leg by leg.
struct HoldLegTests {
  @Test func aModernClientRepeatsTheCallUntilItIsApproved() throws {
    let holding = try HoldingGateway()
    let client = holding.send(HoldingGateway.modern(HoldingGateway.modernBody()))
    let first = try #require(holding.takeHeld().first)
    holding.advance(seconds: 44)
    #expect(holding.receive(client, turns: 4) == "")
    holding.advance(seconds: 2)
    let leg = holding.receive(client)
    #expect(leg.contains("application/json"))
    #expect(leg.contains(#""result":{"resultType":"input_required","requestState":"slu1."#))
    let state = try #require(HoldingGateway.state(in: leg))

    let body = HoldingGateway.modernBody(id: "2", params: ",\"requestState\":\"\(state)\"")
    let again = holding.send(HoldingGateway.modern(body))
    let messages = holding.takeMessages()
    #expect(messages.first == .left(first.ticket))
    guard case .held(let second) = messages.last else {
      Issue.record("not held again")
      return
    }
    #expect(second.digest == first.digest)
    #expect(second.arguments == first.arguments)
    holding.grant(second)
    let answer = holding.receive(again)
    #expect(answer.contains("[redacted]"))
    // The server sees the call as if it had been sent once.
    #expect(holding.gateway.requestsAtServers.count == 1)
    #expect(holding.gateway.requestsAtServers.first?.body == HoldingGateway.modernBody(id: "2"))
  }

  @Test(arguments: [
    #"{"requestState":"STATE","name":"delete_row","arguments":{"id":7},META}"#,
    #"{"name":"delete_row", "requestState" : "STATE" , "arguments":{"id":7},META}"#,
    #"{"name":"delete_row","arguments":{"id":7},META , "requestState":"STATE"  }"#,
  ])
  func theStateIsTakenOutWhereverItStands(params: String) throws {
    let holding = try HoldingGateway()
    let client = holding.send(HoldingGateway.modern(HoldingGateway.modernBody()))
    holding.advance(seconds: 46)
    let state = try #require(HoldingGateway.state(in: holding.receive(client)))
    _ = holding.takeMessages()
    let text = params.replacingOccurrences(of: "STATE", with: state)
      .replacingOccurrences(of: "META", with: SimulatedGateway.modernMeta)
    let again = holding.send(
      HoldingGateway.modern(#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":\#(text)}"#))
    let call = try #require(holding.takeHeld().first)
    holding.grant(call)
    #expect(holding.receive(again).contains("[redacted]"))
    let sent = try #require(holding.gateway.requestsAtServers.first)
    #expect(!sent.body.contains("requestState"))
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(sent.body.utf8)) as? [String: Any])
    let keys = (object["params"] as? [String: Any])?.keys.sorted()
    #expect(keys == ["_meta", "arguments", "name"])
    #expect(sent.head.contains("Content-Length: \(sent.body.utf8.count)\r\n"))
  }

  @Test func afterTheLastLegTheAgentIsToldToComeBack() throws {
    let holding = try HoldingGateway()
    var params = ""
    for leg in 1...9 {
      let client = holding.send(HoldingGateway.modern(HoldingGateway.modernBody(params: params)))
      let call = try #require(holding.takeHeld().last)
      holding.calls.answer(call.ticket, .waiting(approval: "apr_5"))
      holding.advance(seconds: 46)
      let answer = holding.receive(client)
      if leg < 9 {
        params = ",\"requestState\":\"\(try #require(HoldingGateway.state(in: answer)))\""
      } else {
        #expect(answer.contains(#""resultType":"complete","isError":true"#))
        #expect(answer.contains("Approval apr_5."))
      }
    }
    #expect(holding.gateway.requestsAtServers.isEmpty)
  }

  /// A state that is not this call's only loses its count: the call is a new one, and waits like any other.
  @Test func aStateOfAnotherCallOrPrincipalCountsForNothing() throws {
    var limits = GatewayLimits()
    limits.holdLegsMax = 2
    let holding = try HoldingGateway(limits: limits)
    func lastLeg(_ arguments: String, _ state: String?) throws -> String {
      let params = state.map { ",\"requestState\":\"\($0)\"" } ?? ""
      let client = holding.send(
        HoldingGateway.modern(HoldingGateway.modernBody(arguments, params: params)))
      _ = try #require(holding.takeHeld().last)
      holding.advance(seconds: 46)
      return holding.receive(client)
    }
    let state = try #require(HoldingGateway.state(in: try lastLeg("{}", nil)))
    // The same call: its second leg, and the last.
    #expect(HoldingGateway.state(in: try lastLeg("{}", state)) == nil)
    // And written otherwise.
    let other = try #require(HoldingGateway.state(in: try lastLeg(#"{"a":1,"b":"/"}"#, nil)))
    let written = #"{ "b":"\/", "a" : 1.0 }"#
    #expect(HoldingGateway.state(in: try lastLeg(written, other)) == nil)
    // Another call, a damaged state, one of nobody: first legs.
    var damaged = Array(state)
    damaged[20] = damaged[20] == "A" ? "B" : "A"
    for (arguments, state) in [
      (#"{"x":1}"#, state), ("{}", String(damaged)), ("{}", "slu1."), ("{}", "slu1.AAAA"),
    ] {
      #expect(HoldingGateway.state(in: try lastLeg(arguments, state)) != nil)
    }
    #expect(holding.gateway.requestsAtServers.isEmpty)
  }

  /// A call that is no longer held (the policy has changed between two legs) goes up without the gateway's state.
  @Test func theStateNeverReachesAServer() throws {
    let holding = try HoldingGateway()
    let body = HoldingGateway.modernBody(
      "{}", tool: "query", params: #","requestState":"slu1.abcdefgh""#)
    let answer = holding.gateway.exchange(HoldingGateway.modern(body, tool: "query"))
    #expect(answer.contains("[redacted]"))
    #expect(
      holding.gateway.requestsAtServers.first?.body
        == HoldingGateway.modernBody("{}", tool: "query"))
  }

  @Test func sealedTextsOpenForTheirPurposePrincipalAndServerOnly() {
    var sealer = SessionSealer(key: SessionSealer.makeKey())
    let plain = Array("plain".utf8)
    let ada = Array("ada".utf8)
    let bob = Array("bob".utf8)
    unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { memory in
      let sealed = memory.baseAddress!
      let opened = unsafe memory.baseAddress! + 512
      guard
        let count = unsafe sealer.seal(
          plain.span.bytes, for: .requestState, principal: ada.span.bytes, server: bob.span.bytes,
          into: sealed)
      else {
        Issue.record("not sealed")
        return
      }
      let text = unsafe RawSpan(_unsafeStart: sealed, byteCount: count)
      func open(_ purpose: SealPurpose, _ principal: [UInt8], _ server: [UInt8]) -> Int? {
        unsafe sealer.open(
          text, for: purpose, principal: principal.span.bytes, server: server.span.bytes,
          into: opened)
      }
      #expect(open(.requestState, ada, bob) == 5)
      #expect(open(.session, ada, bob) == nil)
      #expect(open(.requestState, bob, bob) == nil)
      #expect(open(.requestState, ada, ada) == nil)
      #expect(open(.requestState, bob, ada) == nil)
    }
  }
}
