internal import PlainJSON
internal import Wire

/// Requests that go to the server, and what comes back.
extension ModernSession {
  // MARK: The beginning

  /// Answers `initialize` with what the server says about itself.
  func initialize(_ message: Message, _ id: [UInt8]) async {
    let version = begin(message)
    let request = ModernRequest("server/discover", id: id, facts: facts)
    do {
      let answer = try await post(request, id, about: nil)
      guard let document = document(answer) else { throw RemoteFailure.notStrict }
      if let error = document.member("error", of: document.root) {
        return emit(.line(rewritten(error, "error", id, document)))
      }
      let result = document.member("result", of: document.root)
      guard
        let made = LegacyAnswer.initialize(
          result, version: version, serverName: server.name, in: document)
      else {
        return give(
          id, code: MessageText.internalError,
          "The server does not speak revision \(MessageText.modernRevision).")
      }
      noteAnnouncements(document.member("capabilities", of: result), document)
      give(id, result: made)
    } catch {
      give(failed(error), id)
    }
  }

  /// Keeps what the agent says about itself, and returns the version that is spoken with it.
  private func begin(_ message: Message) -> String {
    guard let document = document(message.bytes) else { return MessageText.legacyRevision }
    let params = document.member("params", of: document.root)
    facts.clientInfo = document.member("clientInfo", of: params).map { document.literal($0) }
    let capabilities = document.member("capabilities", of: params)
    var without: [String: [UInt8]?] = [:]
    for (key, _) in document.members(of: capabilities) {
      if let name = document.text(key), !["sampling", "elicitation", "roots"].contains(name) {
        without[name] = .some(nil)
      }
    }
    facts.capabilities = document.object(capabilities, changing: without)
    let wanted = document.text(document.member("protocolVersion", of: params)) ?? ""
    let known = ["2024-11-05", "2025-03-26", "2025-06-18", MessageText.legacyRevision]
    return known.contains(wanted) ? wanted : MessageText.legacyRevision
  }

  private func noteAnnouncements(
    _ capabilities: JSONToken?, _ document: borrowing JSONDocument
  ) {
    for name in ["tools", "prompts", "resources"] {
      let one = document.member(named: name, of: capabilities)
      if let flag = document.member("listChanged", of: one), document.kind(flag) == .true {
        announces.insert(name + "ListChanged")
      }
    }
  }

  // MARK: Calls

  /// Carries one request to its end, whatever rounds that takes.
  func call(_ message: Message, _ id: [UInt8], _ number: Int) async {
    do {
      let answer = try await rounds(message, id, number)
      if !Task.isCancelled { emit(.line(answer)) }
    } catch {
      if !Task.isCancelled { give(failed(error), id) }
    }
  }

  private func rounds(_ message: Message, _ id: [UInt8], _ number: Int) async throws -> [UInt8] {
    var added: [(name: String, value: [UInt8])] = []
    var hasListed = false
    for round in 0..<Self.roundsMax {
      guard let asked = document(message.bytes) else { throw RemoteFailure.notStrict }
      let request = ModernRequest(
        asked, method: message.method, id: id, facts: facts, adding: added, headers: headers)
      let answer = try await post(request, id, about: number)
      guard let document = document(answer) else { throw RemoteFailure.notStrict }
      if let error = document.member("error", of: document.root) {
        let code = document.integer(document.member("code", of: error))
        if code == Self.headerMismatch, message.method == "tools/call", !hasListed {
          hasListed = true
          try await learnHeaders()
          continue
        }
        return refusal(error, code, message.method, id, document)
      }
      guard let result = document.member("result", of: document.root) else {
        throw RemoteFailure.notStrict
      }
      guard document.text(document.member("resultType", of: result)) == "input_required" else {
        if message.method == "tools/list" { noteHeaders(result, document) }
        return MessageText.result(
          id: id, LegacyAnswer.result(result, of: message.method, in: document))
      }
      added = try await inputs(result, document, number, round)
    }
    throw RemoteFailure("The server keeps asking the agent before it answers.")
  }

  private static var headerMismatch: Int { -32020 }
  private static var capabilityMissing: Int { -32021 }

  /// An error answer. What a tool needs and this agent cannot give reaches the model as the result of the call.
  private func refusal(
    _ error: JSONToken, _ code: Int?, _ method: String, _ id: [UInt8],
    _ document: borrowing JSONDocument
  ) -> [UInt8] {
    guard code == Self.capabilityMissing, method == "tools/call" else {
      return rewritten(error, "error", id, document)
    }
    let text = document.text(document.member("message", of: error)) ?? ""
    let words = JSONText.quoted(
      "The tool needs what this agent cannot do. The server says: \(text)")
    return MessageText.result(
      id: id,
      Array("{\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":\(words)}]}".utf8))
  }

  private func rewritten(
    _ value: JSONToken, _ name: String, _ id: [UInt8], _ document: borrowing JSONDocument
  ) -> [UInt8] {
    Array("{\"jsonrpc\":\"2.0\",\"id\":".utf8) + id + Array(",\"\(name)\":".utf8)
      + document.literal(value) + Array("}".utf8)
  }

  // MARK: What the server asks for

  /// Puts the server's questions to the agent, and returns what the repetition of the call carries.
  private func inputs(
    _ result: JSONToken, _ document: borrowing JSONDocument, _ number: Int, _ round: Int
  ) async throws -> [(name: String, value: [UInt8])] {
    var added: [(name: String, value: [UInt8])] = []
    if let state = document.member("requestState", of: result) {
      added.append(("requestState", document.literal(state)))
    }
    let asked = document.members(of: document.member("inputRequests", of: result))
    guard asked.count <= Self.questionsMax else {
      throw RemoteFailure("The server asks the agent too much at once.")
    }
    guard !asked.isEmpty else {
      // It only wants the call again: not at once, each time a little later.
      try await Task.sleep(for: .milliseconds(min(50 << round, 200)))
      return added
    }
    var questions: [Question] = []
    for (key, value) in asked {
      guard let method = document.member("method", of: value),
        let name = document.text(method), Self.questionMethods.contains(name)
      else { throw RemoteFailure("The server asks the agent for what no agent can give.") }
      questions.append(
        Question(
          key: document.literal(key), method: document.literal(method),
          params: document.member("params", of: value).map { document.literal($0) }))
    }
    let responses = try await put(questions, about: number)
    added.append(("inputResponses", responses))
    return added
  }

  private static var questionMethods: Set<String> {
    ["elicitation/create", "sampling/createMessage", "roots/list"]
  }

  private struct Question: Sendable {
    var key: [UInt8]
    var method: [UInt8]
    var params: [UInt8]?
  }

  /// Asks all of them at once, and returns the object with the answers.
  private func put(_ questions: [Question], about number: Int) async throws -> [UInt8] {
    let answers = await withTaskGroup(of: (Int, Message?).self) {
      group in
      for (place, question) in questions.enumerated() {
        group.addTask {
          (place, await self.ask(question.method, question.params, about: number))
        }
      }
      var answers: [Int: Message] = [:]
      for await (place, answer) in group { answers[place] = answer }
      return answers
    }
    var made: [UInt8] = [UInt8(ascii: "{")]
    for (place, question) in questions.enumerated() {
      guard let answer = answers[place] else { throw CancellationError() }
      guard let result = answer.result else {
        throw RemoteFailure("The agent did not answer what the server asked it for.")
      }
      if place > 0 { made.append(UInt8(ascii: ",")) }
      made += question.key + [UInt8(ascii: ":")] + answer.literal(result)
    }
    return made + [UInt8(ascii: "}")]
  }

  // MARK: Header fields of arguments

  private func noteHeaders(_ result: JSONToken, _ document: borrowing JSONDocument) {
    for tool in document.elements(of: document.member("tools", of: result)) {
      headers.note(tool, in: document)
    }
  }

  /// Lists the server's tools, because it wants header fields that nothing is known of.
  private func learnHeaders() async throws {
    var cursor: [UInt8]?
    for page in 0..<Self.pagesMax {
      let id = Array("\"headers-\(page)\"".utf8)
      let request = ModernRequest(
        "tools/list", id: id, facts: facts, params: cursor.map { [("cursor", $0)] } ?? [])
      let answer = try await post(request, id, about: nil)
      guard let document = document(answer),
        let result = document.member("result", of: document.root)
      else { return }
      noteHeaders(result, document)
      guard let next = document.member("nextCursor", of: result), document.kind(next) == .string
      else { return }
      cursor = document.literal(next)
    }
  }
}
