import EventLoop
import Foundation
import Policy
import Testing
import Wire

@testable import Proxy

/// What servers have agents bring back with a call (`requestState`): sealed on its way to the agent, opened on its way back.
struct ServerStateTests {
  /// As it is written in the server's message.
  static let own = #"eyJ1c2VyIjoiYW5uIn0.\/\u00e9=="#

  static func ask(_ state: String = own, id: String = "1") -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"result":{"resultType":"input_required","requestState":"\#(state)","inputRequests":{}}}"#
  }

  /// A server that asks for more until it gets its state back.
  private func gateway(
    streams: Bool = false, rules: [RuleDefinition] = SimulatedGateway.rules
  ) throws -> SimulatedGateway {
    let gateway = try SimulatedGateway(rules: rules)
    gateway.server = { request in
      if request.body.contains("requestState") { return SimulatedGateway.echo(request) }
      return streams
        ? [.send(ServerText.streamHead + LastingStreamTests.event(Self.ask()) + "0\r\n\r\n")]
        : [.send(SimulatedGateway.json(Self.ask()))]
    }
    return gateway
  }

  private func call(
    _ gateway: SimulatedGateway, _ arguments: String = "{}", tool: String = "query",
    params: String = "", key: String = "key-ada"
  ) -> String {
    gateway.exchange(
      HoldingGateway.modern(
        HoldingGateway.modernBody(arguments, tool: tool, params: params), tool: tool, key: key))
  }

  private func state(in answer: String) throws -> String {
    String(try #require(answer.firstMatch(of: /"requestState":"(slu2\.[A-Za-z0-9_-]+)"/)).1)
  }

  @Test(arguments: [false, true])
  func theServerGetsBackWhatItGave(streams: Bool) throws {
    let gateway = try gateway(streams: streams)
    let first = call(gateway)
    #expect(!first.contains("eyJ1c2Vy"))
    let state = try state(in: first)
    let params = #","inputResponses":{},"requestState":"STATE""#
    let second = call(gateway, params: params.replacing("STATE", with: state))
    #expect(second.contains("[redacted]"))
    #expect(
      gateway.requestsAtServers.last?.body
        == HoldingGateway.modernBody(
          "{}", tool: "query", params: params.replacing("STATE", with: Self.own)))
  }

  @Test func itIsOfOneCallPrincipalAndServer() throws {
    let gateway = try gateway()
    let state = try state(in: call(gateway, #"{"a":1}"#))
    var damaged = Array(state)
    damaged[30] = damaged[30] == "A" ? "B" : "A"
    let count = gateway.requestsAtServers.count
    for (arguments, tool, state) in [
      (#"{"a":2}"#, "query", state), (#"{"a":1}"#, "list_orders", state), ("{}", "query", state),
      (#"{"a":1}"#, "query", String(damaged)), (#"{"a":1}"#, "query", Self.own),
      (#"{"a":1}"#, "query", "slu2."), (#"{"a":1}"#, "query", ""),
    ] {
      let answer = call(
        gateway, arguments, tool: tool, params: #","requestState":"\#(state)""#)
      #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(tool) \(state)")
      #expect(answer.contains(#""id":1,"error":{"code":-32602,"#) && answer.contains("\"ref\""))
    }
    let foreign = SimulatedGateway.post(
      HoldingGateway.modernBody(
        #"{"a":1}"#, tool: "query", params: #","requestState":"\#(state)""#),
      key: "key-bob", path: "/vault/mcp", more: SimulatedGateway.modernFields("query"))
    #expect(gateway.exchange(foreign).contains("-32602"))
    #expect(call(gateway, params: #","requestState":7"#).contains("-32602"))
    #expect(gateway.requestsAtServers.count == count)
    let params = #","requestState":"\#(state)""#
    #expect(call(gateway, #"{"a":1}"#, params: params).contains("[redacted]"))
  }

  /// Clients write the same arguments anew each time.
  @Test(arguments: [
    #"{"b":[1,{"y":null,"x":"z/"}],"a":"Zoë"}"#,
    #"{ "a" : "Zoë" , "b" : [ 1 , {"x":"z/","y":null} ] }"#,
    #"{"a":"Zo\u00eb","b":[1.0,{"x":"z\/","\u0079":null}]}"#,
    #"{"a":"Zoë","b":[10e-1,{"x":"\u007a/","y":null}]}"#,
  ])
  func argumentsMayBeWrittenOtherwise(arguments: String) throws {
    let gateway = try gateway()
    let first = #"{"a":"Zoë","b":[1,{"x":"z/","y":null}]}"#
    let state = try state(in: call(gateway, first))
    let params = #","requestState":"\#(state)""#
    #expect(call(gateway, arguments, params: params).contains("[redacted]"))
  }

  @Test(arguments: [
    #"{"a":"Zoe","b":[1,{"x":"z/","y":null}]}"#, #"{"a":"Zoë","b":[2,{"x":"z/","y":null}]}"#,
    #"{"a":"Zoë","b":[{"x":"z/","y":null},1]}"#, #"{"a":"Zoë","b":[1,{"x":null,"y":"z/"}]}"#,
    #"{"a":"Zoë","b":[1,{"x":"z/","y":false}]}"#, #"{"a":"Zoë","b":["1",{"x":"z/","y":null}]}"#,
    #"{"a":"Zoë","b":[1,{"x":"z/"}]}"#, #"{"a":"Zoë","b":[1],"x":"z/","y":null}"#,
    #"{"b":"Zoë","a":[1,{"x":"z/","y":null}]}"#, #"{"a":"Zoë","b":[1,[{"x":"z/","y":null}]]}"#,
    #"{"a":"Zoë","b":[-1,{"x":"z/","y":null}]}"#, #"{"a":"Zoë","b":[1.5,{"x":"z/","y":null}]}"#,
  ])
  func otherArgumentsAreAnotherCall(arguments: String) throws {
    let gateway = try gateway()
    let first = #"{"a":"Zoë","b":[1,{"x":"z/","y":null}]}"#
    let state = try state(in: call(gateway, first))
    let params = #","requestState":"\#(state)""#
    #expect(call(gateway, arguments, params: params).contains("-32602"))
  }

  /// No double holds them: they are compared as they are written.
  @Test func numbersThatNoDoubleHoldsAreToldApart() throws {
    let gateway = try gateway()
    let state = try state(in: call(gateway, #"{"a":9007199254740993}"#))
    let params = #","requestState":"\#(state)""#
    for (other, isSame) in [
      ("9007199254740993", true), ("9007199254740992", false), ("9007199254740993.0", false),
    ] {
      let answer = call(gateway, "{\"a\":\(other)}", params: params)
      #expect(answer.contains("[redacted]") == isSame, "\(other)")
    }
  }

  @Test func itExpires() throws {
    let gateway = try gateway()
    gateway.worker.limits.questionTime = 0
    let state = try state(in: call(gateway))
    #expect(call(gateway, params: #","requestState":"\#(state)""#).contains("-32602"))
  }

  /// One gateway behind another: what looks like this one's own state is the other's.
  @Test func aServersStateMayLookLikeTheGateways() throws {
    let gateway = try gateway()
    for own in ["slu1.abc", "slu2.abc"] {
      gateway.server = { request in
        request.body.contains("requestState")
          ? SimulatedGateway.echo(request) : [.send(SimulatedGateway.json(Self.ask(own)))]
      }
      let state = try state(in: call(gateway))
      #expect(call(gateway, params: #","requestState":"\#(state)""#).contains("[redacted]"))
      #expect(gateway.requestsAtServers.last?.body.contains(#""requestState":"\#(own)""#) == true)
    }
  }

  @Test func oneTooLongIsNotPassedOn() throws {
    let gateway = try gateway()
    gateway.server = { _ in
      [.send(SimulatedGateway.json(Self.ask(String(repeating: "s", count: 17_000))))]
    }
    let answer = call(gateway)
    #expect(answer.contains("-32603") && !answer.contains("ssss"))
    gateway.server = { _ in
      [.send(SimulatedGateway.json(Self.ask(String(repeating: "s", count: 16_000))))]
    }
    let state = try state(in: call(gateway))
    gateway.server = { SimulatedGateway.echo($0) }
    #expect(call(gateway, params: #","requestState":"\#(state)""#).contains("[redacted]"))
    #expect(
      gateway.requestsAtServers.last?.body.contains(String(repeating: "s", count: 16_000)) == true)
  }

  // MARK: With an approval

  /// A held call brings its server's state and the answers to it only once: the gateway's own state carries them.
  @Test func aHeldCallKeepsItsServersState() throws {
    let holding = try HoldingGateway()
    let gateway = holding.gateway
    gateway.server = { request in
      request.body.contains("requestState")
        ? SimulatedGateway.echo(request) : [.send(SimulatedGateway.json(Self.ask()))]
    }
    func leg(_ params: String) throws -> (SimulatedNetwork.Peer, HeldCall) {
      let client = holding.send(
        HoldingGateway.modern(HoldingGateway.modernBody("{}", params: params)))
      return (client, try #require(holding.takeHeld().last))
    }
    let (first, call) = try leg("")
    holding.grant(call)
    let asked = try state(in: holding.receive(first))
    let answers = #""inputResponses":{"a":{"action":"accept"}}"#
    let (second, again) = try leg(#","requestState":"\#(asked)",\#(answers)"#)
    holding.advance(seconds: 46)
    let own = try #require(HoldingGateway.state(in: holding.receive(second)))
    // Of another call it carries nothing.
    let other = holding.send(
      HoldingGateway.modern(
        HoldingGateway.modernBody(#"{"id":8}"#, params: #","requestState":"\#(own)""#)))
    #expect(try #require(holding.takeHeld().last).arguments == #"{"id":8}"#)
    _ = other
    let (third, last) = try leg(#","requestState":"\#(own)""#)
    #expect(last.digest == again.digest && last.arguments == again.arguments)
    holding.grant(last)
    #expect(holding.receive(third).contains("[redacted]"))
    let sent = try #require(gateway.requestsAtServers.last?.body)
    #expect(
      sent
        == HoldingGateway.modernBody(
          "{}", params: #","requestState":"\#(Self.own)",\#(answers)"#))
  }

  /// The vector of the paper's appendix A.
  @Test func marksAreSipHash() {
    var mark = CallMark(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
    mark.add(0x0706_0504_0302_0100)
    mark.add(0x0f0e_0d0c_0b0a_0908 & 0x00ff_ffff_ffff_ffff | 15 << 56)
    #expect(mark.finish() == 0xa129_ca61_49be_45e5)
  }

  @Test func marksTellTextsApart() {
    func mark(_ texts: [String]) -> UInt64 {
      var mark = CallMark(key: (1, 2))
      for text in texts {
        let bytes = Array(text.utf8)
        unsafe mark.add(bytes.span.bytes)
      }
      return mark.finish()
    }
    let sets = [
      [""], ["", ""], ["a"], ["a", ""], ["", "a"], ["ab"], ["a", "b"], ["12345678"],
      ["123456789"], ["\0"], ["\0\0"], ["12345678\0"],
    ]
    #expect(Set(sets.map(mark)).count == sets.count)
  }
}
