import Foundation
import Outbound
import Synchronization

/// Finds the messages in an answer as it comes, and says each on a line of its own: the JSON body, or the events of a stream.
final class AnswerReader: Sendable {
  /// Bytes of one message that are kept.
  static let messageBytesMax = 64 << 20

  private struct State {
    var kept: [UInt8] = []
    var isStream = false
    var data: [UInt8] = []
    var hasAnswered = false
    var agreedVersion: String?
  }

  private let state = Mutex(State())
  private let say: @Sendable (String) -> Void

  init(say: @escaping @Sendable (String) -> Void) {
    self.say = say
  }

  /// Whether an answer (and not only notifications and requests) was said.
  var hasAnswered: Bool { state.withLock { $0.hasAnswered } }
  /// What `initialize` agreed on, when this was its answer.
  var agreedVersion: String? { state.withLock { $0.agreedVersion } }

  /// Takes a piece of the body; false when a message is over the limit.
  func take(_ head: OutboundAnswer, _ piece: [UInt8]) -> Bool {
    state.withLock { state in
      state.isStream = head.field("content-type")?.hasPrefix("text/event-stream") == true
      state.kept += piece
      if state.isStream { readEvents(&state) }
      return state.kept.count + state.data.count <= Self.messageBytesMax
    }
  }

  /// The body is complete. Half an event is none.
  func finish() {
    state.withLock { state in
      if !state.isStream { tell(state.kept, &state) }
      state.kept = []
    }
  }

  /// Lines as the gateway writes them: `data: …`, an empty line after each event, comments between.
  private func readEvents(_ state: inout State) {
    while let end = state.kept.firstIndex(of: 0x0A) {
      var line = state.kept[..<end]
      if line.last == 0x0D { line.removeLast() }
      if line.isEmpty {
        if !state.data.isEmpty { tell(state.data, &state) }
        state.data = []
      } else if line.starts(with: Array("data:".utf8)) {
        if !state.data.isEmpty { state.data.append(0x20) }
        let value = line.dropFirst(5)
        state.data += value.first == 0x20 ? value.dropFirst() : value
      }
      state.kept.removeSubrange(...end)
    }
  }

  private func tell(_ bytes: [UInt8], _ state: inout State) {
    let text = String(decoding: bytes.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }, as: UTF8.self)
    let message = AgentMessage(text)
    guard message.id != nil || message.method != nil else { return }
    if message.method == nil {
      state.hasAnswered = true
      state.agreedVersion = message.agreedVersion
    }
    say(text)
  }
}
