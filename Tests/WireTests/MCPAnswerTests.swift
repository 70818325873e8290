import Testing
import Wire

@Suite struct MCPAnswerTests {
  static func text(_ body: (inout ByteWriter) -> Void) -> String? {
    httpWritten(body).map { String(decoding: $0, as: UTF8.self) }
  }

  static let id = Array("\"a\\\"1\"".utf8)
  static let none: [UInt8] = []

  @Test func errorsCarryTheIDByteForByte() {
    #expect(
      Self.text {
        MCPAnswer.error(id: Self.id.rawBytes, code: -32601, message: "Method not found", into: &$0)
      }
        == #"{"jsonrpc":"2.0","id":"a\"1","error":{"code":-32601,"message":"Method not found"}}"#)
    #expect(
      Self.text { MCPAnswer.error(id: Self.none.rawBytes, code: 7, message: "a \"b\"", into: &$0) }
        == #"{"jsonrpc":"2.0","id":null,"error":{"code":7,"message":"a \"b\""}}"#)
  }

  @Test func denials() {
    let rule = Array("no-\"ddl\"".utf8)
    let message = Array("Ask #dba.".utf8)
    let reference = Array("r1".utf8)
    #expect(
      Self.text {
        MCPAnswer.toolDenied(
          id: Self.id.rawBytes, era: .modern, rule: rule.rawBytes, message: message.rawBytes,
          reference: reference.rawBytes, into: &$0)
      }
        == #"{"jsonrpc":"2.0","id":"a\"1","result":{"resultType":"complete","isError":true,"#
        + #""content":[{"type":"text","text":"Blocked by policy no-\"ddl\". Ask #dba. Ref r1."}]}}"#
    )
    #expect(
      Self.text {
        MCPAnswer.toolDenied(
          id: Self.id.rawBytes, era: .legacy, rule: rule.rawBytes, message: Self.none.rawBytes,
          reference: reference.rawBytes, into: &$0)
      }
        == #"{"jsonrpc":"2.0","id":"a\"1","result":{"isError":true,"#
        + #""content":[{"type":"text","text":"Blocked by policy no-\"ddl\". Ref r1."}]}}"#)
    #expect(
      Self.text {
        MCPAnswer.denied(
          id: Self.id.rawBytes, rule: rule.rawBytes, reference: reference.rawBytes, into: &$0)
      }
        == #"{"jsonrpc":"2.0","id":"a\"1","error":{"code":-31403,"message":"Blocked by policy no-\"ddl\".","#
        + #""data":{"ref":"r1","rule":"no-\"ddl\""}}}"#)
  }

  @Test func refusals() {
    let body = Array(#"{"id":12}"#.utf8)
    let requested = Array("2099\"".utf8)
    let refusal = MCPRefusal(.unsupportedVersion, id: ByteRange(offset: 6, count: 2))
    #expect(
      Self.text {
        MCPAnswer.refusal(
          refusal, body: body.rawBytes, supported: [.modern, ProtocolVersionSet(.v2025_11_25)],
          requested: requested.rawBytes, into: &$0)
      }
        == #"{"jsonrpc":"2.0","id":12,"error":{"code":-32022,"message":"Unsupported protocol version","#
        + #""data":{"supported":["2026-07-28","2025-11-25"],"requested":"2099\""}}}"#)
  }

  @Test(arguments: MCPRefusalReason.allCases)
  func everyRefusalIsAReadableAnswer(reason: MCPRefusalReason) throws {
    let body = Array(#"{"id":12}"#.utf8)
    let answer = try #require(
      httpWritten {
        MCPAnswer.refusal(
          MCPRefusal(reason), body: body.rawBytes, requested: body.rawBytes, into: &$0)
      })
    var index = JSONIndex(limits: JSONLimits())
    #expect(index.read(answer.rawBytes, watch: .none) == nil)
    guard case .message(let message) = MCPReader.read(answer.rawBytes, index: index, from: .server)
    else {
      Issue.record("not read")
      return
    }
    #expect(message.kind == .error)
    guard let code = index.member("code", of: message.error!, in: answer.rawBytes) else {
      Issue.record("no code")
      return
    }
    #expect(index.integer(code, in: answer.rawBytes) == Int64(reason.code))
  }
}
