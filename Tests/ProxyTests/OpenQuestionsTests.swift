import Foundation
import Testing

@testable import Proxy

/// What of the requests of servers is open, whoever asks at whatever time.
struct OpenQuestionsTests {
  private static let second: UInt64 = 1_000_000_000

  private func id(_ number: Int) -> String {
    // As sealed ids are: their first sixteen characters differ.
    Data("\(number)-\(number &* 7919)".utf8).base64EncodedString().padding(
      toLength: 40, withPad: "x\(number)", startingAt: 0)
  }

  private func open(
    _ questions: OpenQuestions, _ number: Int, now: UInt64, for time: UInt64
  ) -> Bool {
    let bytes = Array(id(number).utf8)
    return unsafe questions.open(bytes.span.bytes, now: now, for: time)
  }

  private func close(_ questions: OpenQuestions, _ number: Int, now: UInt64) -> Bool {
    let bytes = Array(id(number).utf8)
    return unsafe questions.close(bytes.span.bytes, now: now)
  }

  @Test func oneIsClosedOnce() {
    let questions = OpenQuestions()
    #expect(!close(questions, 1, now: 0))
    #expect(open(questions, 1, now: 0, for: 10 * Self.second))
    #expect(!close(questions, 2, now: 0))
    #expect(close(questions, 1, now: 9 * Self.second))
    #expect(!close(questions, 1, now: 9 * Self.second))
  }

  @Test func oneIsOverInTime() {
    let questions = OpenQuestions()
    // Also where the seconds go round.
    for start in [0, 1 << 23, (1 << 24) - 3, (1 << 24) - 1, 1 << 24, 3 << 24] as [UInt64] {
      let now = start * Self.second
      #expect(open(questions, 1, now: now, for: 5 * Self.second))
      #expect(close(questions, 1, now: now + 5 * Self.second))
      #expect(open(questions, 1, now: now, for: 5 * Self.second))
      #expect(!close(questions, 1, now: now + 7 * Self.second))
    }
  }

  @Test func askedTwiceItIsOneQuestion() {
    let questions = OpenQuestions()
    #expect(open(questions, 1, now: 0, for: Self.second))
    #expect(open(questions, 1, now: 0, for: 100 * Self.second))
    #expect(close(questions, 1, now: 50 * Self.second))
    #expect(!close(questions, 1, now: 0))
  }

  @Test func thereIsRoomAgainWhenSomeAreOver() {
    let questions = OpenQuestions()
    var opened = 0
    for number in 0..<4 * OpenQuestions.capacity
    where open(questions, number, now: 0, for: Self.second) {
      opened += 1
    }
    #expect(opened <= OpenQuestions.capacity)
    #expect(opened > OpenQuestions.capacity * 9 / 10)
    #expect(
      (0..<1000).allSatisfy { open(questions, -$0 - 1, now: 5 * Self.second, for: Self.second) })
  }

  @Test func manyWhoCloseAtOnceAreOne() async {
    let questions = OpenQuestions()
    for round in 0..<200 {
      #expect(open(questions, round, now: 0, for: 100 * Self.second))
      let winners = await withTaskGroup(of: Bool.self) { group in
        for _ in 0..<8 { group.addTask { self.close(questions, round, now: 0) } }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(winners == 1)
    }
  }
}
