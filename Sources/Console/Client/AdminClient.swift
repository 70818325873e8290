public import Approvals
internal import Foundation
internal import Outbound

/// A program's way to the admin API.
public struct AdminClient: Sendable {
  private let url: String
  private let token: String
  private let authorities: [UInt8]?

  /// - Parameters:
  ///   - url: where the console is: `https://console.example`, or `http://` on this machine.
  ///   - token: an API key that the configuration knows the hash of.
  ///   - authorities: certificate authorities in place of the system's, in PEM form.
  /// - Throws: for an address to which the key would travel in the clear.
  public init(
    url: String, token: String, authorities: [UInt8]? = nil
  ) throws(AdminClientError) {
    var url = url
    while url.hasSuffix("/") { url.removeLast() }
    let host = url.dropFirst(7).prefix { $0 != "/" && $0 != ":" }
    let isLocal =
      url.hasPrefix("http://")
      && (ConsoleOrigin.isLoopback(String(host)) || url.dropFirst(7).hasPrefix("[::1]"))
    guard url.hasPrefix("https://") || isLocal else {
      throw AdminClientError(
        "\(url) is no address to send a key to: use https://, or http:// on this machine.")
    }
    self.url = url
    self.token = token
    self.authorities = authorities
  }

  public func approvals(
    states: [ApprovalState], limit: Int? = nil
  ) async throws(AdminClientError) -> ApprovalList {
    var query: [String] = []
    if !states.isEmpty { query.append("state=" + states.map(\.rawValue).joined(separator: ",")) }
    if let limit { query.append("limit=\(limit)") }
    let tail = query.isEmpty ? "" : "?" + query.joined(separator: "&")
    return try await send("GET", "/approvals" + tail)
  }

  public func approval(_ id: String) async throws(AdminClientError) -> ApprovalDocument {
    try await send("GET", "/approvals/" + PercentEncoding.encoded(id))
  }

  public func decide(
    _ id: String, _ word: ApprovalDecision.Word, reason: String
  ) async throws(AdminClientError) -> ApprovalDocument {
    try await send(
      "POST", "/approvals/\(PercentEncoding.encoded(id))/decision",
      body: JSONAnswer.bytes(DecisionDocument(decision: word, reason: reason)))
  }

  private func send<Document: Decodable>(
    _ method: String, _ path: String, body: [UInt8]? = nil
  ) async throws(AdminClientError) -> Document {
    var request = OutboundRequest(method, url: url + AdminAPI.prefix + path)
    request.fields = [("Authorization", "Bearer \(token)"), ("Accept", "application/json")]
    if body != nil { request.fields.append(("Content-Type", "application/json")) }
    request.body = body
    request.authorities = authorities
    request.answerBytesMax = 64 << 20
    let answer: OutboundAnswer
    do {
      answer = try await request.exchange()
    } catch {
      throw AdminClientError("The console at \(url) cannot be reached: \(error.description)")
    }
    let data = Data(answer.body)
    guard answer.status == 200 else {
      guard let problem = try? JSONAnswer.decoder().decode(Problem.self, from: data) else {
        throw AdminClientError("\(url) answered \(answer.status), which is no answer of a console.")
      }
      throw AdminClientError(
        "\(TerminalText.line(problem.title)): \(TerminalText.line(problem.detail))",
        problem: problem)
    }
    do {
      return try JSONAnswer.decoder().decode(Document.self, from: data)
    } catch {
      throw AdminClientError("\(url) answered something that cannot be read.")
    }
  }
}

/// Why the admin API did not do what was asked, in words.
public struct AdminClientError: Error, Sendable, Equatable, CustomStringConvertible {
  public var description: String
  /// What the API said, when it was the API that refused.
  public var problem: Problem?

  init(_ description: String, problem: Problem? = nil) {
    self.description = description
    self.problem = problem
  }
}

extension ApprovalList {
  /// As the API writes it.
  public var json: String { String(decoding: JSONAnswer.bytes(self), as: UTF8.self) }
}

extension ApprovalDocument {
  /// As the API writes it.
  public var json: String { String(decoding: JSONAnswer.bytes(self), as: UTF8.self) }
}
