import Policy
import Testing
import Wire

/// Lists of tools without those the caller may not call.
struct ListFilterTests {
  private static let definition = PolicyDefinition.simple(
    tools: ["query", "list_*"],
    rules: [
      RuleDefinition(name: "no", match: MatchDefinition(tools: ["list_secrets"]), effect: .block)
    ])

  private func filter(
    _ message: String, capacity: Int? = nil
  ) throws -> (outcome: ListOutcome, text: String) {
    var harness = try Harness(Self.definition)
    let source = Array(message.utf8)
    let bytes = unsafe source.span.bytes
    #expect(harness.index.read(bytes, watch: .none) == nil)
    let capacity = capacity ?? source.count
    let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity + 1, alignment: 1)
    defer { unsafe memory.deallocate() }
    var writer = unsafe ByteWriter(unsafeInto: memory, capacity: capacity)
    let outcome = ListFilter.filter(
      bytes, of: .tools, index: harness.index, program: harness.program,
      principal: harness.program.principal(at: 0), server: ServerID(index: 0),
      scratch: &harness.scratch, into: &writer)
    return (outcome, writer.written.text)
  }

  private func wrap(_ tools: String) -> String {
    #"{"jsonrpc":"2.0","id":1,"result":{"a":1,"tools":[\#(tools)],"nextCursor":"tools"}}"#
  }

  @Test(arguments: [
    (#" {"name":"drop"} "#, "", 0, 1),
    (#"{"name":"drop"},{"name":"drop2"}"#, "", 0, 2),
    (#"{"name":"drop"}, {"name":"query"}"#, #"{"name":"query"}"#, 1, 1),
    (#" {"name":"query"} , {"name":"drop"} "#, #" {"name":"query"}"#, 1, 1),
    (
      #"{"name":"query"},{"name":"drop"},{"x":[1],"name":"list_a"},{"name":"list_b"}"#,
      #"{"name":"query"},{"x":[1],"name":"list_a"},{"name":"list_b"}"#, 3, 1
    ),
    (#"{"name":"list_secrets"},{"name":"q\u0075ery"}"#, #"{"name":"q\u0075ery"}"#, 1, 1),
    (#"{"name":"Query"},{"name":"query"}"#, #"{"name":"query"}"#, 1, 1),
    (#"{"title":"query"},7,"query",null,{"name":7},{"name":"list_"}"#, #"{"name":"list_"}"#, 1, 5),
    (#"{"name":"query","Name":"drop"},{"name":"list_"}"#, #"{"name":"list_"}"#, 1, 1),
    (#"{"name":"query","n\u0041me":"drop"},{"name":"list_"}"#, #"{"name":"list_"}"#, 1, 1),
  ])
  func drops(tools: String, left: String, kept: Int, removed: Int) throws {
    let (outcome, text) = try filter(wrap(tools))
    #expect(outcome == .filtered(kept: kept, removed: removed))
    #expect(text == wrap(left))
  }

  @Test(arguments: [
    #"{"jsonrpc":"2.0","id":1,"result":{"tools":[ {"name":"query"} , {"name":"list_x"} ]}}"#,
    #"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#,
    #"{"jsonrpc":"2.0","id":1,"result":{"tools":null}}"#,
    #"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#,
    #"{"jsonrpc":"2.0","method":"notifications/message"}"#,
  ])
  func leavesAlone(message: String) throws {
    let (outcome, text) = try filter(message)
    #expect(outcome == .untouched)
    #expect(text == "")
  }

  /// Nothing stands in the place of what is no list.
  @Test(arguments: [#""none""#, "7", "true", "false", "1.5e3", #""{\"name\":\"drop\"}""#])
  func emptiesWhatIsNoList(value: String) throws {
    let message = #"{"result":{"tools":\#(value) ,"nextCursor":"7"}}"#
    let (outcome, text) = try filter(message, capacity: message.utf8.count + 4)
    #expect(outcome == .filtered(kept: 0, removed: 1))
    #expect(text == #"{"result":{"tools":null ,"nextCursor":"7"}}"#)
  }

  @Test(arguments: [
    #"{"result":{}}"#, #"{"result":{"tools":{}}}"#, #"{"result":[]}"#, #"{"result":null}"#,
    #"{"result":{"tools":[],"Tools":[{"name":"drop"}]}}"#,
  ])
  func failsWithoutAReadableList(message: String) throws {
    #expect(try filter(message).outcome == .failed(.noList))
  }

  @Test func failsWhenItDoesNotFit() throws {
    let message = wrap(#"{"name":"query"},{"name":"drop"}"#)
    #expect(try filter(message, capacity: 20).outcome == .failed(.noRoom))
    let untouched = wrap(#"{"name":"query"}"#)
    #expect(try filter(untouched, capacity: 0).outcome == .untouched)
  }

  @Test func everySubsetOfAListComesOutRight() throws {
    for bits in 0..<128 {
      let names = (0..<7).map { bits >> $0 & 1 == 1 ? "list_\($0)" : "drop_\($0)" }
      let tools = names.map { "{\"name\":\"\($0)\"}" }
      let (outcome, text) = try filter(wrap(tools.joined(separator: ",")))
      let left = tools.filter { $0.contains("list") }
      if left.count == 7 {
        #expect(outcome == .untouched)
      } else {
        #expect(outcome == .filtered(kept: left.count, removed: 7 - left.count))
        #expect(text == wrap(left.joined(separator: ",")))
      }
    }
  }

  @Test(
    arguments: [
      (
        .prompts, #"{"prompts":[{"name":"summary"},{"name":"other"}]}"#,
        #"{"prompts":[{"name":"summary"}]}"#
      ),
      (
        .resources, #"{"resources":[{"uri":"a://x","name":"n"},{"uri":"b://x"},{"URI":"a://y"}]}"#,
        #"{"resources":[{"uri":"a://x","name":"n"}]}"#
      ),
      (
        .resourceTemplates,
        #"{"resourceTemplates":[{"uriTemplate":"b://{id}"},{"uriTemplate":"a://{id}"}]}"#,
        #"{"resourceTemplates":[{"uriTemplate":"a://{id}"}]}"#
      ),
      (
        .resourceTemplates,
        #"{"resourceTemplates":[{"uriTemplate":"a://{id}","uritemplate":"b://{id}"}]}"#,
        #"{"resourceTemplates":[]}"#
      ),
    ] as [(ListKind, String, String)])
  func otherLists(kind: ListKind, result: String, left: String) throws {
    var definition = Self.definition
    definition.profiles[0].allow[0].prompts = ["summary"]
    definition.profiles[0].allow[0].resources = ["a://*"]
    var harness = try Harness(definition)
    func wrapped(_ result: String) -> String { #"{"jsonrpc":"2.0","id":1,"result":\#(result)}"# }
    let source = Array(wrapped(result).utf8)
    let bytes = unsafe source.span.bytes
    #expect(harness.index.read(bytes, watch: .none) == nil)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: source.count, alignment: 1)
    defer { unsafe memory.deallocate() }
    var writer = unsafe ByteWriter(unsafeInto: memory, capacity: source.count)
    _ = ListFilter.filter(
      bytes, of: kind, index: harness.index, program: harness.program,
      principal: harness.program.principal(at: 0), server: ServerID(index: 0),
      scratch: &harness.scratch, into: &writer)
    #expect(writer.written.text == wrapped(left))
  }
}
