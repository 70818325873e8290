import EventLoop
import Foundation
import Testing

@testable import Proxy

/// Every place where a server's data can reach an agent (mcp-wire 5.1, by its rows), through a worker: as one JSON body and as
/// an event of a stream, in both eras where there are two.
struct MaskRowTests {
  typealias Era = RequestEra

  struct Row: CustomTestStringConvertible, Sendable {
    /// Of the table.
    var number: Int
    /// With `@` where a JSON value goes that holds the secret, and `#` where the same goes as text, `%` where it goes in
    /// Base64, and `~` for the secret alone.
    var message: String
    var method = "tools/call"
    var eras = Era.allCases
    /// Comes before the answer, which is empty then: a notification, or a request of the server's.
    var isAside = false
    var testDescription: String { "row \(number): \(message)" }
  }

  static let secret = "ann@example.com"

  private static func result(
    _ number: Int, _ result: String, _ method: String = "tools/call", eras: [Era] = Era.allCases
  ) -> Row {
    Row(
      number: number, message: #"{"jsonrpc":"2.0","id":1,"result":\#(result)}"#, method: method,
      eras: eras)
  }

  private static func aside(
    _ number: Int, _ method: String, _ params: String, id: String = "", eras: [Era] = Era.allCases
  ) -> Row {
    Row(
      number: number,
      message: #"{"jsonrpc":"2.0",\#(id)"method":"\#(method)","params":\#(params)}"#,
      eras: eras, isAside: true)
  }

  static let rows: [Row] = answers + lists + asides

  static let answers: [Row] = [
    result(1, ##"{"content":[{"type":"text","text":"#"},{"text":"#","type":"text"}]}"##),
    result(1, ##"{"content":[{"type":"text","text":"[Row({'email': '~'})]"}]}"##),
    result(2, ##"{"content":[],"structuredContent":@}"##),
    result(
      3, ##"{"content":[{"type":"resource","resource":{"uri":"a:b","text":"#","_meta":@}}]}"##),
    result(3, ##"{"content":[{"type":"resource","resource":{"uri":"a:b","blob":"%"}}]}"##),
    result(3, ##"{"content":[{"type":"resource_link","uri":"a:b","name":"n","_meta":@}]}"##),
    result(4, ##"{"content":[{"type":"image","mimeType":"image/svg+xml","data":"%"}]}"##),
    result(5, ##"{"isError":true,"content":[{"type":"text","text":"#"}]}"##),
    Row(number: 6, message: ##"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"#"}}"##),
    Row(
      number: 6,
      message: ##"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"m","data":@}}"##),
    Row(
      number: 6,
      message: ##"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"m","data":["#"]}}"##),
    result(
      7, ##"{"contents":[{"uri":"a:b","text":"#"},{"uri":"a:c","blob":"%"}]}"##, "resources/read"),
    result(
      8,
      ##"{"description":"#","messages":[{"role":"user","content":{"type":"text","text":"#"}}]}"##,
      "prompts/get"),
    result(9, ##"{"completion":{"values":["#"],"hasMore":false}}"##, "completion/complete"),
    result(
      11,
      ##"{"protocolVersion":"2025-06-18","capabilities":{"experimental":@},"serverInfo":{"name":"s","version":"1","description":"#"},"instructions":"#"}"##,
      "initialize", eras: [.legacy]),
    result(
      11, ##"{"supportedVersions":["2026-07-28"],"capabilities":{},"instructions":"#","_meta":@}"##,
      "server/discover", eras: [.modern]),
    result(
      16,
      ##"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"#","requestedSchema":{"type":"object","properties":{"email":{"type":"string","default":"~"}}}}}}}"##,
      eras: [.modern]),
    result(
      16,
      ##"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"mode":"url","message":"#","url":"https:\/\/pay.example/form?lang=de&EMAIL=~"}}}}"##,
      eras: [.modern]),
    result(
      17,
      ##"{"resultType":"input_required","requestState":"~","inputRequests":{},"_meta":@}"##,
      eras: [.modern]),
    result(17, ##"{"content":[],"requestState":"#"}"##, eras: [.legacy]),
    result(
      18, ##"{"task":{"taskId":"t","status":"working","statusMessage":"#"},"_meta":{"v":@}}"##),
    result(19, ##"{"content":[{"type":"text","text":"t","_meta":@}],"_meta":{"vendor/x":@}}"##),
  ]

  static let lists: [Row] = [
    result(
      10,
      ##"{"tools":[{"name":"query","description":"#","_meta":@,"inputSchema":{"type":"object","default":@,"properties":{"email":{"type":"string","default":"~","enum":["~"]}}},"outputSchema":{"type":"object","properties":{"email":{"const":"~"}}},"annotations":{"title":"#"}},{"name":"hidden","_meta":@}]}"##,
      "tools/list"),
    result(10, ##"{"prompts":[{"name":"p","title":"#","_meta":@}]}"##, "prompts/list"),
    result(
      10, ##"{"resources":[{"name":"r","uri":"a:b","description":"#","_meta":@}]}"##,
      "resources/list"),
    result(
      10, ##"{"resourceTemplates":[{"name":"r","uriTemplate":"a:{b}","_meta":@}]}"##,
      "resources/templates/list"),
  ]

  static let asides: [Row] = [
    aside(12, "notifications/message", ##"{"level":"info","logger":"#","data":@}"##),
    aside(13, "notifications/progress", ##"{"progressToken":1,"progress":1,"message":"#"}"##),
    aside(14, "notifications/resources/updated", ##"{"uri":"a:b","_meta":@}"##),
    aside(
      15, "elicitation/create",
      ##"{"message":"#","requestedSchema":{"type":"object","properties":{"email":{"type":"string","default":"~"}}}}"##,
      id: "\"id\":9,", eras: [.legacy]),
    aside(
      15, "elicitation/create",
      ##"{"mode":"url","elicitationId":"e","message":"#","url":"https://pay.example/form?lang=de&email=~#user[email]=~"}"##,
      id: "\"id\":9,", eras: [.legacy]),
  ]

  /// The agent's request, in an era.
  private func request(_ row: Row, _ era: Era) -> String {
    var params = ""
    switch row.method {
    case "tools/call": params = #""name":"query","arguments":{}"#
    case "prompts/get": params = #""name":"p""#
    case "resources/read": params = #""uri":"a:b""#
    case "completion/complete":
      params = #""ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"b"}"#
    case "initialize":
      params =
        #""protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}"#
    default: break
    }
    var fields = ""
    if era == .modern {
      let name = row.method == "tools/call" ? "query" : row.method == "prompts/get" ? "p" : "a:b"
      let isNamed = ["tools/call", "prompts/get", "resources/read"].contains(row.method)
      params += (params.isEmpty ? "" : ",") + SimulatedGateway.modernMeta
      fields = SimulatedGateway.modernFields(of: row.method, isNamed ? name : nil)
    }
    return SimulatedGateway.post(
      #"{"jsonrpc":"2.0","id":1,"method":"\#(row.method)","params":{\#(params)}}"#, more: fields)
  }

  @Test(arguments: rows, [true, false])
  func holdsNoSecret(row: Row, streams: Bool) throws {
    guard streams || !row.isAside else { return }
    for era in row.eras {
      let value = #"{"who":"Zoë","email":"\#(Self.secret)","rows":[{"email":"\#(Self.secret)"}]}"#
      let message = row.message.replacing("@", with: value).replacing(
        "#", with: value.replacing("\"", with: "\\\"")
      ).replacing("%", with: Data(value.utf8).base64EncodedString())
        .replacing("~", with: Self.secret)
      let gateway = try SimulatedGateway()
      gateway.control.offer(
        try SimulatedGateway.snapshot(SimulatedGateway.rules, grantsAll: true))
      gateway.turn()
      let events =
        row.isAside
        ? [message, #"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#] : [message]
      gateway.server = { request in
        guard request.body.contains("\"id\":1,") else {
          return [.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")]
        }
        if !streams { return [.send(SimulatedGateway.json(message))] }
        return [
          .send(
            ServerText.streamHead
              + events.map { LastingStreamTests.event($0) }.joined() + "0\r\n\r\n")
        ]
      }
      let answer = gateway.exchange(request(row, era))
      #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
      #expect(!answer.contains(Self.secret), "\(era): \(answer)")
      #expect(!answer.contains(Data(Self.secret.utf8).base64EncodedString().dropLast(4)))
      let decoded = answer.matches(of: /[A-Za-z0-9+\/]{40,}={0,2}/).compactMap {
        Data(base64Encoded: String($0.output))
      }
      #expect(!decoded.contains { String(decoding: $0, as: UTF8.self).contains(Self.secret) })
      // It was masked, not lost.
      #expect(!answer.contains("\"code\":-32603"), "\(era): \(answer)")
      if row.message.contains("@") {
        #expect(answer.contains("Zoë"), "\(era): \(answer)")
      }
    }
  }
}
