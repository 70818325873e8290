internal import Policy
internal import Wire

/// A message of a server that is longer than what is held, on its way through. One per such answer, made when it turns out to
/// be one.
final class StreamedAnswer {
  let masker: StreamMasker
  /// Takes the message out of its event; nil where the body is the message.
  var event: SSEEventReader?
  /// Bytes of the message so far, and how many there may be.
  var taken = 0
  let bytesMax: Int
  /// The event has ended.
  var hasEnded = false

  init(masker: StreamMasker, isEvent: Bool, bytesMax: Int) {
    self.masker = masker
    event = isEvent ? SSEEventReader() : nil
    self.bytesMax = bytesMax
  }
}

/// A worker's streamed answers, by place.
struct StreamedAnswers {
  private var answers: [StreamedAnswer?] = []
  private(set) var count = 0

  subscript(place: UInt32) -> StreamedAnswer? { answers[Int(place)] }

  /// The answer's place; nil when there are `most` already.
  mutating func insert(_ answer: StreamedAnswer, most: Int) -> UInt32? {
    guard count < most else { return nil }
    count += 1
    if let free = answers.firstIndex(where: { $0 == nil }) {
      answers[free] = answer
      return UInt32(free)
    }
    answers.append(answer)
    return UInt32(answers.count - 1)
  }

  mutating func remove(_ place: UInt32) {
    answers[Int(place)] = nil
    count -= 1
  }
}
