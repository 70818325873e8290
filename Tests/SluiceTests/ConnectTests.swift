import ArgumentParser
import Outbound
import Synchronization
import Testing

@testable import sluice

/// The local end for agents on standard input and output.
@Suite struct ConnectTests {
  private func said(_ type: String, _ pieces: [String]) -> ([String], AnswerReader) {
    final class Lines: Sendable { let all = Mutex<[String]>([]) }
    let lines = Lines()
    let reader = AnswerReader { line in lines.all.withLock { $0.append(line) } }
    let head = OutboundAnswer(status: 200, fields: [("content-type", type)])
    for piece in pieces { _ = reader.take(head, Array(piece.utf8)) }
    reader.finish()
    return (lines.all.withLock { $0 }, reader)
  }

  @Test func aBodyIsOneLine() {
    let (lines, reader) = said(
      "application/json", ["{\"id\":1,\n\"result\":", "{\"protocolVersion\":\"2025-11-25\"}}\n"])
    #expect(lines == ["{\"id\":1, \"result\":{\"protocolVersion\":\"2025-11-25\"}} "])
    #expect(reader.hasAnswered)
    #expect(reader.agreedVersion == "2025-11-25")
    #expect(said("text/html", ["<html>"]).0.isEmpty)
  }

  @Test func eventsComeHoweverTheyAreCut() {
    let stream =
      ": alive\n\nevent: message\r\ndata: {\"method\":\"a\"}\r\n\r\ndata:{\"id\":1,\ndata: \"result\":{}}\n\ndata: {\"id\":2"
    for cut in 0...stream.utf8.count {
      let bytes = Array(stream.utf8)
      let pieces = [bytes[..<cut], bytes[cut...]].map { String(decoding: $0, as: UTF8.self) }
      let (lines, reader) = said("text/event-stream; charset=utf-8", pieces)
      #expect(lines == ["{\"method\":\"a\"}", "{\"id\":1, \"result\":{}}"])
      #expect(reader.hasAnswered)
    }
  }

  @Test func theFieldsOfTheModernEraComeFromTheMessage() {
    let message = AgentMessage(
      #"{"id":"x","method":"tools/call","params":{"name":"größe","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#
    )
    #expect(message.id == "\"x\"")
    #expect(message.revision == "2026-07-28")
    #expect(message.fieldName == "=?base64?Z3LDtsOfZQ==?=")
    // Nothing of a message may break out of a header field.
    let forged = AgentMessage(
      "{\"id\":1,\"method\":\"tools/call\\r\\nX: y\",\"params\":{\"name\":\"a\\r\\nX: y\"}}")
    #expect(forged.method == nil)
    #expect(AgentMessage("not json").id == nil)
    #expect(
      AgentMessage.error("7", "a \"b\"")
        == "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32603,\"message\":\"a \\\"b\\\"\"}}")
  }

  @Test func theEndpointFollowsTheGatewaysPaths() throws {
    func endpoint(_ arguments: String...) throws -> String {
      try ConnectCommand.parse(arguments).endpoint
    }
    #expect(try endpoint("orders") == "http://127.0.0.1:8080/orders/mcp")
    #expect(try endpoint("a", "--url", "https://mcp.example/") == "https://mcp.example/a/mcp")
    #expect(try endpoint("a", "--url", "https://x/y/mcp") == "https://x/y/mcp")
    #expect(throws: (any Error).self) { try ConnectCommand.parse(["a", "--url", "mcp.example"]) }
  }
}
