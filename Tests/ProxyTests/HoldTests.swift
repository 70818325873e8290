import EventLoop
import Foundation
import Policy
import Testing

@testable import Proxy

/// Calls that wait for a human's approval, through one worker.
struct HoldTests {
  @Test func aHeldCallRunsOnceItIsApprovedAndExactlyAsItWasJudged() throws {
    let holding = try HoldingGateway()
    let body = SimulatedGateway.call(
      "delete_row", #"{ "b" : 1.0, "a":"\u00e9" }"#, id: "\"x\"")
    let client = holding.send(SimulatedGateway.post(body))
    #expect(holding.gateway.requestsAtServers.isEmpty)
    let call = try #require(holding.takeHeld().first)
    #expect(call.principal == "ada")
    #expect(call.server == "shop")
    #expect(call.tool == "delete_row")
    #expect(call.arguments == #"{"a":"é","b":1}"#)
    #expect(call.rule == "ask")
    #expect(call.message == "Backup?")
    #expect(call.reviewers == ["dba", "ops"])
    #expect(call.quorum == 2)
    #expect(call.expiresMilliseconds == 60_000)
    #expect(call.reference.count == 13)
    #expect(call.request == nil, "without a session nothing can name it")
    #expect(call.digest.hexadecimal.count == 64)

    // Others are not slowed by it.
    let other = holding.gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query")))
    #expect(other.hasPrefix("HTTP/1.1 200 OK\r\n"))
    holding.calls.answer(call.ticket, .waiting(approval: "apr_1"))
    #expect(holding.receive(client) == "")
    #expect(holding.gateway.requestsAtServers.count == 1)

    holding.grant(call)
    let answer = holding.receive(client)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("\"email\":\"[redacted]\""))
    #expect(answer.contains("\"id\":\"x\""))
    #expect(holding.gateway.requestsAtServers.count == 2)
    #expect(holding.gateway.requestsAtServers.last?.body == body)
    #expect(holding.takeMessages() == [.left(call.ticket)])
    // The grant is spent: told again, nothing happens.
    holding.grant(call)
    holding.gateway.run(turns: 20)
    #expect(holding.gateway.requestsAtServers.count == 2)
    #expect(holding.calls.waitingCount == 0)
  }

  @Test func aGrantForAnotherCallRunsNothing() throws {
    let holding = try HoldingGateway()
    let client = holding.send(HoldingGateway.legacy())
    let call = try #require(holding.takeHeld().first)
    holding.grant(call, digest: CallDigest(words: (1, 2, 3, 4)))
    let answer = holding.receive(client)
    #expect(answer.contains(#""isError":true"#))
    #expect(answer.contains("for another call"))
    #expect(holding.gateway.requestsAtServers.isEmpty)
  }

  @Test func aDenialReachesTheModelWithItsReason() throws {
    let holding = try HoldingGateway()
    let client = holding.send(HoldingGateway.legacy())
    let call = try #require(holding.takeHeld().first)
    holding.calls.answer(
      call.ticket, .denied(approval: "apr_9", reviewers: ["bob"], reason: "no \"backup\"\n"))
    let answer = holding.receive(client)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains(#""isError":true"#))
    #expect(
      answer.contains(#"A reviewer denied this call. It has not run. The reason: no \"backup\"\n."#)
    )
    #expect(answer.contains("Approval apr_9. Ref "))
    #expect(!answer.contains("bob"))
    #expect(holding.gateway.requestsAtServers.isEmpty)
  }

  @Test(arguments: HeldEnd.allCases)
  func everyOtherEndSaysThatItHasNotRun(end: HeldEnd) throws {
    let holding = try HoldingGateway()
    let client = holding.send(HoldingGateway.legacy())
    let call = try #require(holding.takeHeld().first)
    holding.calls.answer(call.ticket, .over(end, approval: ""))
    let answer = holding.receive(client)
    #expect(answer.contains(#""isError":true"#))
    #expect(answer.contains("not run"))
    #expect(holding.gateway.requestsAtServers.isEmpty)
    #expect(holding.gateway.worker.held.count == 0)
  }

  @Test func aLegacyClientIsKeptAliveAndThenToldToComeBack() throws {
    let holding = try HoldingGateway()
    let client = holding.send(HoldingGateway.legacy())
    let call = try #require(holding.takeHeld().first)
    holding.calls.answer(call.ticket, .waiting(approval: "apr_7"))
    holding.advance(seconds: 9)
    #expect(holding.receive(client, turns: 4) == "")
    holding.advance(seconds: 2)
    let first = holding.receive(client, turns: 4)
    #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(first.contains("text/event-stream"))
    #expect(first.hasSuffix(": keep-alive\n\n\r\n"))
    holding.advance(seconds: 28)
    #expect(holding.receive(client, turns: 4).components(separatedBy: ": keep-alive").count == 3)
    holding.advance(seconds: 12)
    let last = holding.receive(client)
    #expect(last.contains("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":"))
    #expect(last.contains("needs a person's approval and has not run. Say \\\"why\\\"."))
    #expect(last.contains("repeat the identical call"))
    #expect(last.contains("Approval apr_7."))
    #expect(last.hasSuffix("0\r\n\r\n"))
    #expect(holding.takeMessages() == [.left(call.ticket)])
    #expect(holding.gateway.requestsAtServers.isEmpty)
    // The connection goes on.
    holding.network.send(
      SimulatedGateway.post(SimulatedGateway.call("query", id: "2")), from: client)
    #expect(holding.receive(client).contains("\"id\":2"))
  }

  @Test func anAnswerAfterCommentsIsTheStreamsOneMessage() throws {
    for isBad in [false, true] {
      let holding = try HoldingGateway()
      if isBad {
        holding.gateway.server = { _ in
          [.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")]
        }
      }
      let client = holding.send(HoldingGateway.legacy())
      let call = try #require(holding.takeHeld().first)
      holding.advance(seconds: 12)
      holding.grant(call)
      let answer = holding.receive(client)
      #expect(answer.components(separatedBy: "event: message\ndata: ").count == 2)
      #expect(answer.contains(isBad ? "-32603" : "[redacted]"))
      #expect(answer.hasSuffix("0\r\n\r\n"))
      #expect(holding.gateway.requestsAtServers.count == 1)
    }
  }

  @Test func whoGoesAwayIsNotWaitedFor() throws {
    for isModern in [false, true] {
      let holding = try HoldingGateway()
      let client = holding.send(
        isModern ? HoldingGateway.modern(HoldingGateway.modernBody()) : HoldingGateway.legacy())
      let call = try #require(holding.takeHeld().first)
      isModern ? holding.network.end(client) : holding.network.reset(client)
      holding.gateway.run(turns: 20)
      #expect(holding.takeMessages() == [.left(call.ticket)])
      holding.grant(call)
      holding.gateway.run(turns: 20)
      #expect(holding.gateway.requestsAtServers.isEmpty)
      #expect(holding.gateway.worker.exchanges.count == 0)
      #expect(holding.calls.waitingCount == 0)
    }
  }

  @Test func aCancellationOfTheSameSessionIsPassedOn() throws {
    let holding = try HoldingGateway()
    let session = try holding.openSession()
    let client = holding.send(HoldingGateway.legacy(id: "\"r-1\"", more: session))
    let call = try #require(holding.takeHeld().first)
    let request = try #require(call.request)
    _ = holding.send(HoldingGateway.cancellation("\"r-1\"", more: session))
    #expect(holding.takeMessages() == [.cancelled(request)])
    holding.calls.answer(call.ticket, .over(.cancelled, approval: "apr_1"))
    #expect(holding.receive(client).contains("was cancelled"))
  }

  @Test func aCancellationOfAnotherSessionNamesAnotherRequest() throws {
    let holding = try HoldingGateway()
    let (own, other) = (try holding.openSession(), try holding.openSession())
    #expect(own != other)
    _ = holding.send(HoldingGateway.legacy(id: "7", more: own))
    let call = try #require(holding.takeHeld().first)
    _ = holding.send(HoldingGateway.cancellation("7", more: other))
    guard case .cancelled(let request)? = holding.takeMessages().first else {
      Issue.record("nothing was told")
      return
    }
    #expect(request.principal == "ada" && request.id == "7" && request != call.request)
  }

  /// Clients that share a service account number their requests alike; without a session nothing tells whose one is meant.
  @Test func aCancellationWithoutASessionEndsNobodysCall() throws {
    let holding = try HoldingGateway()
    let client = holding.send(HoldingGateway.legacy(id: "1"))
    let call = try #require(holding.takeHeld().first)
    #expect(call.request == nil)
    _ = holding.send(HoldingGateway.cancellation("1"))
    #expect(holding.takeMessages().isEmpty)
    holding.grant(call)
    #expect(holding.receive(client).contains("\"result\""))
  }

  @Test func reviewersAreToldTheGroupsThatThePolicySpeaksOf() throws {
    let holding = try HoldingGateway()
    _ = holding.send(HoldingGateway.legacy())
    let call = try #require(holding.takeHeld().first)
    #expect(call.principal == "ada" && call.person == nil)
    #expect(call.groups == ["analysts"])
  }

  @Test func anotherPolicyEndsWhatWaits() throws {
    let holding = try HoldingGateway()
    let client = holding.send(HoldingGateway.legacy())
    let call = try #require(holding.takeHeld().first)
    // The same policy again changes nothing.
    holding.gateway.control.offer(try SimulatedGateway.snapshot(HoldingGateway.rules))
    #expect(holding.receive(client) == "")
    holding.gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules))
    #expect(holding.receive(client).contains("The policy changed"))
    holding.grant(call)
    holding.gateway.run(turns: 20)
    #expect(holding.gateway.requestsAtServers.isEmpty)
  }

  @Test func callsThatCannotBeHeldAreRefused() throws {
    var limits = GatewayLimits()
    limits.heldCallsMax = 2
    limits.heldArgumentsBytesMax = 64
    let holding = try HoldingGateway(limits: limits)
    func answer(_ arguments: String) -> String {
      let client = holding.send(HoldingGateway.legacy(arguments))
      return holding.receive(client, turns: 10)
    }
    #expect(answer(#"{"n":9007199254740993}"#).contains("cannot be compared exactly"))
    #expect(answer(#"{"n":"\#(String(repeating: "x", count: 70))"}"#).contains("longer than"))
    #expect(answer("{}") == "")
    #expect(answer(#"{"a":1}"#) == "")
    #expect(answer(#"{"a":2}"#).contains("too many calls wait"))
    #expect(holding.takeHeld().count == 2)
    let mute = try SimulatedGateway(rules: HoldingGateway.rules)
    #expect(mute.exchange(HoldingGateway.legacy()).contains("cannot ask for one"))
    #expect(mute.requestsAtServers.isEmpty)
    #expect(holding.gateway.requestsAtServers.isEmpty)
  }

  @Test func whenTheControlPlaneIsBehindCallsAreRefused() throws {
    let holding = try HoldingGateway()
    var refused = 0
    for number in 0..<60 {
      let text = String(repeating: "x", count: 60_000)
      let client = holding.send(HoldingGateway.legacy(#"{"n":\#(number),"t":"\#(text)"}"#))
      if holding.receive(client, turns: 30).contains("too many calls ask") { refused += 1 }
    }
    #expect(refused > 10 && refused < 40, "\(refused)")
    #expect(holding.takeHeld().count == 60 - refused)
    #expect(holding.gateway.worker.held.count == 60 - refused)
  }

  @Test func nothingWaitsForAPersonWhenTheGatewayStops() throws {
    let holding = try HoldingGateway()
    let client = holding.send(HoldingGateway.legacy())
    holding.gateway.control.stop(deadline: .max)
    #expect(holding.receive(client).contains("repeat the identical call"))
    #expect(holding.gateway.worker.exchanges.count == 0)
  }

  // MARK: Digests

  @Test func theDigestIsOfTheCallAndOfNothingElse() throws {
    let holding = try HoldingGateway()
    func digest(_ request: String) throws -> CallDigest {
      _ = holding.send(request)
      return try #require(holding.takeHeld().last).digest
    }
    let base = try digest(HoldingGateway.legacy(#"{"a":1,"b":[true,"x"]}"#))
    // Written differently, sent by another connection, in another era, under another id: the same call.
    #expect(
      try digest(HoldingGateway.legacy("{\"b\":[true ,\"\\u0078\"],\n\"a\":1.0}", id: "2")) == base)
    #expect(
      try digest(HoldingGateway.modern(HoldingGateway.modernBody(#"{"b":[true,"x"],"a":1}"#)))
        == base)
    // Anything else is another.
    var seen = [base]
    for request in [
      HoldingGateway.legacy(#"{"a":1,"b":[true,"X"]}"#),
      HoldingGateway.legacy(#"{"a":1,"b":["x",true]}"#),
      HoldingGateway.legacy(#"{"a":"1","b":[true,"x"]}"#),
      HoldingGateway.legacy(#"{"a":1}"#), HoldingGateway.legacy("{}"),
      SimulatedGateway.post(
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_row"}}"#),
      HoldingGateway.modern(
        HoldingGateway.modernBody(
          #"{"a":1,"b":[true,"x"]}"#, params: #","inputResponses":{"q":{"action":"accept"}}"#)),
      HoldingGateway.modern(
        HoldingGateway.modernBody(
          #"{"a":1,"b":[true,"x"]}"#, params: #","inputResponses":{"q":{"action":"decline"}}"#)),
      HoldingGateway.modern(
        HoldingGateway.modernBody(#"{"a":1,"b":[true,"x"]}"#)
          .replacingOccurrences(of: "\"_meta\":{", with: "\"_meta\":{\"com.vendor/force\":true,")),
    ] {
      let other = try digest(request)
      #expect(!seen.contains(other), "\(request)")
      seen.append(other)
    }
    let whole = try #require(
      holding.told.compactMap { message in
        if case .held(let call) = message, call.arguments.contains("decline") { call } else { nil }
      }.first)
    #expect(
      whole.arguments
        == #"{"_meta":{},"arguments":{"a":1,"b":[true,"x"]},"inputResponses":{"q":{"action":"decline"}}}"#
    )
  }
}
