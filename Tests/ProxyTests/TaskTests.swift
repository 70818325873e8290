import EventLoop
import Foundation
import Identity
import Policy
import Testing
import Wire

@testable import Proxy

/// Tasks, of both eras: whose they are, by whose rules they are judged and masked.
struct TaskTests {
  typealias Era = RequestEra

  static let own = #"T-1\/\u00e9"#
  static let data = #"{"who":"Zoë","email":"ann@example.com"}"#
  static let declared = #"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#

  /// A server that makes every call a task, and tells of tasks.
  static func serve(_ request: SimulatedGateway.ServerRequest) -> [SimulatedGateway.ServerStep] {
    let task = #""taskId":"\#(own)","status":"working","statusMessage":"s","ttl":60000"#
    let result: String
    if request.body.contains("tools/call") {
      result = #"{"resultType":"task","task":{\#(task)},"_meta":{"v":\#(data)}}"#
    } else if request.body.contains("tasks/result") {
      result =
        #"{"content":[],"structuredContent":\#(data),"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"\#(own)"}}}"#
    } else {
      result = #"{\#(task),"result":{"content":[],"structuredContent":\#(data)}}"#
    }
    return [
      .send(SimulatedGateway.json(#"{"jsonrpc":"2.0","id":\#(request.id),"result":\#(result)}"#))
    ]
  }

  private func gateway(_ rules: [RuleDefinition] = SimulatedGateway.rules) throws
    -> SimulatedGateway
  {
    let gateway = try SimulatedGateway(rules: rules)
    gateway.server = { Self.serve($0) }
    return gateway
  }

  private func request(
    _ method: String, _ params: String, _ era: Era, name: String? = nil, key: String = "key-ada",
    path: String = "/shop/mcp"
  ) -> String {
    var params = params
    var fields = ""
    if era == .modern {
      params += "," + SimulatedGateway.modernMeta(capabilities: Self.declared)
      fields = SimulatedGateway.modernFields(of: method, name)
    }
    return SimulatedGateway.post(
      #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{\#(params)}}"#, key: key,
      path: path, more: fields)
  }

  private func call(_ era: Era) -> String {
    let task = era == .legacy ? #","task":{"ttl":60000}"# : ""
    return request("tools/call", #""name":"query","arguments":{}\#(task)"#, era, name: "query")
  }

  private func about(
    _ method: String, _ id: String, _ era: Era, key: String = "key-ada", path: String = "/shop/mcp"
  ) -> String {
    request(method, #""taskId":"\#(id)""#, era, name: id, key: key, path: path)
  }

  private func taskID(in answer: String) throws -> String {
    String(try #require(answer.firstMatch(of: /"taskId":"(slt1\.[\w-]+)"/)).1)
  }

  private func methods(_ era: Era) -> [String] {
    ["tasks/get", "tasks/cancel", era == .legacy ? "tasks/result" : "tasks/update"]
  }

  @Test(arguments: Era.allCases)
  func theAgentGetsASealedIDAndTheServerItsOwn(era: Era) throws {
    let gateway = try gateway()
    let made = gateway.exchange(call(era))
    let id = try taskID(in: made)
    #expect(!made.contains("T-1") && made.contains("Zoë") && !made.contains("ann@"))
    for method in methods(era) {
      let answer = gateway.exchange(about(method, id, era))
      // The same id each time: agents compare them.
      #expect(answer.contains(#""taskId":"\#(id)""#), "\(answer)")
      #expect(!answer.contains("T-1") && answer.contains("Zoë") && !answer.contains("ann@"))
      let sent = try #require(gateway.requestsAtServers.last)
      #expect(sent.body.contains(#""method":"\#(method)""#))
      #expect(sent.body.contains(#""taskId":"\#(Self.own)""#), "\(sent.body)")
      if era == .modern { #expect(sent.head.contains("Mcp-Name: =?base64?VC0xL8Op?=\r\n")) }
    }
    #expect(gateway.worker.exchanges.count == 0)
  }

  @Test(arguments: Era.allCases)
  func nobodyElsesTaskCanBeAskedAbout(era: Era) throws {
    let gateway = try gateway()
    let id = try taskID(in: gateway.exchange(call(era)))
    var damaged = Array(id)
    damaged[20] = damaged[20] == "A" ? "B" : "A"
    let count = gateway.requestsAtServers.count
    var wrong = [("T-1", "key-ada", "/shop/mcp"), ("slt1.", "key-ada", "/shop/mcp")]
    wrong += [(String(damaged), "key-ada", "/shop/mcp"), (id, "key-bob", "/vault/mcp")]
    wrong += [(id, "key-ada", "/vault/mcp"), (id, "key-bob", "/shop/mcp")]
    for method in methods(era) {
      for (id, key, path) in wrong {
        let answer = gateway.exchange(about(method, id, era, key: key, path: path))
        #expect(answer.hasPrefix(era == .legacy ? "HTTP/1.1 200 " : "HTTP/1.1 400 "))
        #expect(answer.contains(#""id":1,"error":{"code":-32602,"#), "\(answer)")
      }
    }
    #expect(gateway.requestsAtServers.count == count)
  }

  @Test(arguments: Era.allCases)
  func aTaskIsJudgedAndMaskedByTheRulesOfItsTool(era: Era) throws {
    func mask(
      _ name: PositionedText, _ tools: [PositionedText], _ field: PositionedText
    ) -> RuleDefinition {
      RuleDefinition(
        name: name.text,
        match: MatchDefinition(
          servers: ["shop"], tools: tools,
          arguments: [
            ArgumentDefinition(path: "x", conditions: [ConditionDefinition(.prefix("1"))])
          ]),
        effect: .mask, masks: [MaskDefinition(fields: [field], treatment: .redact)])
    }
    // Of the tool's own rules even those whose arguments are not known any more; of other tools' none.
    let gateway = try gateway([mask("own", ["query"], "email"), mask("other", ["list_*"], "who")])
    let id = try taskID(in: gateway.exchange(call(era)))
    let answer = gateway.exchange(about("tasks/get", id, era))
    #expect(answer.contains("Zoë") && !answer.contains("ann@"), "\(answer)")
    // A tool that may not be used any more tells nothing.
    gateway.control.offer(
      try SimulatedGateway.snapshot([
        RuleDefinition(
          name: "gone", match: MatchDefinition(servers: ["shop"], tools: ["query"]), effect: .block)
      ]))
    gateway.turn()
    let count = gateway.requestsAtServers.count
    for method in methods(era) {
      #expect(gateway.exchange(about(method, id, era)).contains("\"code\":-31403"))
    }
    #expect(gateway.requestsAtServers.count == count)
  }

  @Test func theListIsRefusedAndNotOffered() throws {
    let gateway = try gateway()
    #expect(gateway.exchange(request("tasks/list", "", .legacy)).contains("\"code\":-32601"))
    #expect(gateway.requestsAtServers.isEmpty)
    for (tasks, left) in [
      (#"{"list":{},"cancel":{}}"#, #"{"cancel":{}}"#),
      (
        #"{ "cancel":{} , "list":{"a":[1]}, "requests":{"tools":{"call":{}}} }"#,
        #"{"cancel":{},"requests":{"tools":{"call":{}}}}"#
      ), (#"{"list":{}}"#, "{}"),
      (#"{"cancel":{}}"#, #"{"cancel":{}}"#),
    ] {
      gateway.server = { request in
        [
          .send(
            SimulatedGateway.json(
              #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"tasks":\#(tasks)},"serverInfo":\#(Self.data)}}"#
            ))
        ]
      }
      let answer = gateway.exchange(LastingStreamTests.initialize(key: "key-ada"))
      #expect(answer.contains(#""capabilities":{"tools":{},"tasks":\#(left)}"#), "\(answer)")
      #expect(!answer.contains("ann@"))
    }
  }

  @Test(arguments: ["notifications/tasks/status", "notifications/tasks"])
  func whatIsToldUnaskedIsDropped(method: String) throws {
    let gateway = try gateway()
    gateway.server = { request in
      [
        .send(
          ServerText.streamHead
            + LastingStreamTests.event(
              #"{"jsonrpc":"2.0","method":"\#(method)","params":{"taskId":"T-2"}}"#)
            + LastingStreamTests.event(#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#)
            + "0\r\n\r\n")
      ]
    }
    let answer = gateway.exchange(call(.legacy))
    #expect(answer.contains("\"content\":[]") && !answer.contains("T-2"))
  }

  /// A call that has to be approved is, before it becomes a task; what it becomes then needs no approval of its own.
  @Test func aHeldCallBecomesATask() throws {
    let holding = try HoldingGateway()
    holding.gateway.server = { Self.serve($0) }
    let client = holding.send(
      request(
        "tools/call", #""name":"delete_row","arguments":{"id":7},"task":{"ttl":1}"#, .legacy))
    let held = try #require(holding.takeHeld().first)
    #expect(held.arguments.contains(#""task":{"ttl":1}"#))
    #expect(holding.gateway.requestsAtServers.isEmpty)
    holding.grant(held)
    let id = try taskID(in: holding.receive(client))
    let answer = holding.gateway.exchange(about("tasks/result", id, .legacy))
    #expect(answer.contains("Zoë") && !answer.contains("ann@"))
  }

  /// Who asks for a task would not know a tool's result for what it is.
  @Test(arguments: [
    HeldAnswer.denied(approval: "apr_7", reviewers: ["r"], reason: "no \"why\""),
    .over(.expired, approval: "apr_7"), .over(.usedUp, approval: "apr_7"),
    .over(.policyChanged, approval: "apr_7"), .over(.storeFailed, approval: "apr_7"),
    .over(.tooManyPending, approval: "apr_7"), .over(.cancelled, approval: "apr_7"),
  ])
  func aHeldCallThatDoesNotBecomeATaskEndsWithAnError(end: HeldAnswer) throws {
    let holding = try HoldingGateway()
    let client = holding.send(heldCall())
    holding.calls.answer(try #require(holding.takeHeld().first).ticket, end)
    let answer = holding.receive(client)
    #expect(answer.hasPrefix("HTTP/1.1 200 "))
    #expect(answer.contains(#""id":1,"error":{"code":-31403,"message":""#), "\(answer)")
    #expect(answer.contains("Approval apr_7.") && answer.contains(#""rule":"ask""#))
    #expect(!answer.contains("isError") && !answer.contains("\"result\""))
    if case .denied = end { #expect(answer.contains(#"The reason: no \"why\"."#)) }
    #expect(holding.gateway.requestsAtServers.isEmpty)
  }

  @Test func aCallForATaskThatWaitsTooLongOrCannotWaitEndsWithAnError() throws {
    var limits = GatewayLimits()
    limits.heldArgumentsBytesMax = 64
    let holding = try HoldingGateway(limits: limits)
    let client = holding.send(heldCall())
    holding.calls.answer(
      try #require(holding.takeHeld().first).ticket, .waiting(approval: "apr_7"))
    holding.advance(seconds: 120)
    let pending = holding.receive(client)
    #expect(pending.contains(#""id":1,"error":{"code":-31403,"message":""#), "\(pending)")
    #expect(pending.contains("Approval apr_7") && !pending.contains("isError"))
    // Arguments that nobody could review; an approval for something else.
    let long = holding.send(heldCall(#"{"id":"\#(String(repeating: "x", count: 200))"}"#))
    #expect(holding.receive(long).contains(#""error":{"code":-31403,"#))
    let other = holding.send(heldCall())
    let call = try #require(holding.takeHeld().last)
    holding.grant(call, digest: CallDigest(words: (1, 2, 3, 4)))
    #expect(holding.receive(other).contains(#""error":{"code":-31403,"#))
    #expect(holding.gateway.requestsAtServers.isEmpty)
  }

  private func heldCall(_ arguments: String = #"{"id":7}"#) -> String {
    request(
      "tools/call", #""name":"delete_row","arguments":\#(arguments),"task":{"ttl":1}"#, .legacy)
  }

  /// A call's stream breaks off before the task is made: what comes on the one that takes it up is sealed all the same.
  @Test func aTaskMadeOnAResumedStreamIsSealed() throws {
    let gateway = try gateway()
    let (resumed, fields) = try resume(gateway)
    let id = try taskID(in: resumed)
    #expect(!resumed.contains("T-1"))
    let before = gateway.server
    gateway.server = { Self.serve($0) }
    #expect(gateway.exchange(about("tasks/get", id, .legacy)).contains("Zoë"))
    gateway.server = before
    // The new stream's events lead on to the same.
    let event = try #require(resumed.firstMatch(of: /id: ([\w-]{30,})\n/)).1
    #expect(
      try taskID(
        in: gateway.exchange(SimulatedGateway.bare(fields + "Last-Event-ID: \(event)\r\n"))) == id)
  }

  /// With the server's own ids nobody knows what a stream is of: there a task cannot be sealed.
  @Test func aTaskOfAnUnknownToolIsDropped() throws {
    let gateway = try gateway()
    let (resumed, _) = try resume(gateway, key: "key-bob", path: "/vault/mcp")
    #expect(resumed.contains("notifications/message"))
    #expect(!resumed.contains("taskId") && !resumed.contains("T-1"), "\(resumed)")
  }

  /// What comes on the stream that takes up the stream of a call for a task, and the fields of requests in its session.
  private func resume(
    _ gateway: SimulatedGateway, key: String = "key-ada", path: String = "/shop/mcp"
  ) throws -> (String, String) {
    gateway.server = { request in
      if request.body.contains("initialize") {
        return [
          .send(
            SimulatedGateway.json(
              #"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}"#,
              more: "Mcp-Session-Id: s1\r\n"))
        ]
      }
      let note = #"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":1}}"#
      var text = ServerText.streamHead + ServerText.chunk("id: e1\ndata: \(note)\n\n")
      if request.head.hasPrefix("GET ") {
        text += ServerText.chunk(
          "id: e2\ndata: "
            + #"{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"\#(Self.own)"}}}"# + "\n\n")
      }
      return [.send(text + "0\r\n\r\n")]
    }
    let opened = gateway.exchange(
      SimulatedGateway.post(
        #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
        key: key, path: path))
    let session = try #require(opened.firstMatch(of: /Mcp-Session-Id: (\S+)/)).1
    let fields = "Mcp-Session-Id: \(session)\r\nMCP-Protocol-Version: 2025-11-25\r\n"
    let broken = gateway.exchange(
      SimulatedGateway.post(
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{},"task":{}}}"#,
        key: key, path: path, more: fields))
    let event = try #require(broken.firstMatch(of: /id: (\S+)\n/)).1
    return (
      gateway.exchange(
        SimulatedGateway.bare(fields + "Last-Event-ID: \(event)\r\n", key: key, path: path)), fields
    )
  }

  @Test func whereATaskIsExpectedARefusalIsAnError() throws {
    let gateway = try gateway()
    for (arguments, rule) in [(#"{"sql":"DROP"}"#, "no-drop"), (#"{"sql":7}"#, "no-drop")] {
      let answer = gateway.exchange(
        request(
          "tools/call", #""name":"query","arguments":\#(arguments),"task":{}"#, .legacy))
      #expect(answer.contains(#""id":1,"error":{"code":-31403,"#) && answer.contains(rule))
    }
    #expect(gateway.requestsAtServers.isEmpty)
  }

  @Test func anIDTooLongIsNotPassedOn() throws {
    let gateway = try gateway()
    gateway.server = { _ in
      [
        .send(
          SimulatedGateway.json(
            #"{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"\#(String(repeating: "t", count: 1100))"}}}"#
          ))
      ]
    }
    let answer = gateway.exchange(call(.legacy))
    #expect(answer.contains("-32603") && !answer.contains("ttt"))
  }
}
