internal import Audit
internal import Foundation

/// The bodies of a call as they are written: read a piece at a time, or there as a whole.
struct CallBodies {
  /// One body: its length, whether it is text, and how to get at it.
  struct Body {
    var count: Int
    var isText: Bool
    var read: ((_ take: ([UInt8]) -> Void) throws(RecorderError) -> Void)
  }

  var request: Body
  var answer: Body

  /// Those that a call holds.
  init(of call: RecordedCall) {
    func body(_ bytes: [UInt8]) -> Body {
      Body(
        count: bytes.count, isText: String(validating: bytes, as: UTF8.self) != nil,
        read: { (take: ([UInt8]) -> Void) throws(RecorderError) in take(bytes) })
    }
    request = body(call.request)
    answer = body(call.answer)
  }

  /// Those that were measured, and are read again.
  init(_ reader: BodyReader, request: BodyMeter, answer: BodyMeter) {
    func body(_ part: BodyPart, _ meter: BodyMeter) -> Body {
      Body(
        count: meter.count, isText: meter.isText,
        read: { (take: ([UInt8]) -> Void) throws(RecorderError) in
          try reader.read(part, count: meter.count, take)
        })
    }
    self.request = body(.request, request)
    self.answer = body(.answer, answer)
  }
}

extension CallBodies.Body {
  /// Writes a member: text as text, in base 64 what is none, nothing for an empty body.
  func write(_ name: String, to write: ([UInt8]) -> Void) throws(RecorderError) {
    guard count > 0 else { return }
    write(Array("\"\(name)\(isText ? "" : "_base64")\":\"".utf8))
    if isText {
      var text = TextPieces()
      try read { piece in
        var escaped: [UInt8] = []
        escaped.reserveCapacity(piece.count + piece.count / 4)
        JSONEscape.append(text.push(piece) ?? "", to: &escaped)
        write(escaped)
      }
    } else {
      // Three bytes make four characters: what is over waits for the next piece.
      var kept: [UInt8] = []
      try read { piece in
        let bytes = kept + piece
        let end = bytes.count - bytes.count % 3
        kept = Array(bytes[end...])
        write(Array(Base64Text.encode(Array(bytes[..<end])).utf8))
      }
      write(Array(Base64Text.encode(kept).utf8))
    }
    write(Array("\",".utf8))
  }
}
