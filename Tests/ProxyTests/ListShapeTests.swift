import Testing

@testable import Proxy

/// Answers to lists whose list is none: nothing of what stands there reaches the agent.
struct ListShapeTests {
  @Test(
    arguments: [
      ("tools/list", "tools"), ("prompts/list", "prompts"), ("resources/list", "resources"),
      ("resources/templates/list", "resourceTemplates"),
    ], [false, true])
  func whatIsNoListDoesNotPass(list: (method: String, key: String), streams: Bool) throws {
    for value in [#""drop_all""#, "4711", "true", #"{"drop_all":{"name":"drop_all"}}"#] {
      let gateway = try SimulatedGateway()
      gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules, grantsAll: true))
      gateway.turn()
      let result = #"{"jsonrpc":"2.0","id":1,"result":{"\#(list.key)":\#(value)}}"#
      let note = #"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":1}}"#
      gateway.server = { _ in
        guard streams else { return [.send(SimulatedGateway.json(result))] }
        let events = "data: \(note)\n\ndata: \(result)\n\n"
        return [.send(ServerText.streamHead + ServerText.chunk(events) + "0\r\n\r\n")]
      }
      let answer = gateway.exchange(
        SimulatedGateway.post(#"{"jsonrpc":"2.0","id":1,"method":"\#(list.method)"}"#))
      #expect(!answer.contains("drop_all") && !answer.contains("4711"), "\(answer)")
      #expect(!answer.contains("true"), "\(answer)")
      let isEmptied = answer.contains(#""result":{"\#(list.key)":null}"#)
      // In the middle of a stream that cannot be read the stream is cut.
      let isCut = streams && !answer.contains("0\r\n\r\n")
      let isRefused = answer.contains(#""error":{"code":-32603,"#) || isCut
      #expect(isEmptied != isRefused, "\(answer)")
    }
  }
}
