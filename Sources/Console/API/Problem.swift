internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// An error for programs (RFC 9457).
public struct Problem: Codable, Sendable, Equatable {
  /// `urn:sluice:problem:` and the kind.
  public var type: String
  public var title: String
  public var status: Int
  /// What is wrong in this case, for a person.
  public var detail: String
  /// The address that was asked.
  public var instance: String?

  init(_ failure: ConsoleFailure, instance: String) {
    type = "urn:sluice:problem:\(failure.kind)"
    title = failure.title
    status = failure.status.code
    detail = failure.detail
    self.instance = instance
  }

  func response() -> Response {
    var response = JSONAnswer.response(self, status: .init(code: status))
    response.headers[.contentType] = "application/problem+json"
    return response
  }
}

/// Answers in JSON: keys in snake case, times as RFC 3339 in UTC.
enum JSONAnswer {
  static func response(
    _ value: some Encodable, status: HTTPResponse.Status = .ok
  ) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: .init(byteBuffer: ByteBuffer(bytes: bytes(value))))
  }

  static func bytes(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return Array(try encoder.encode(value))
    } catch {
      preconditionFailure("a value of the API cannot be written: \(error)")
    }
  }

  static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }
}
