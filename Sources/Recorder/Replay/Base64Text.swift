internal import Foundation

/// Base 64 (RFC 4648 §4), with padding.
enum Base64Text {
  static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
