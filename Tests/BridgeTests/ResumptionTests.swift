import Foundation
import Testing

@testable import Bridge

/// Streams that break off and are taken up again where they did.
@Suite(.timeLimit(.minutes(5)))
struct ResumptionTests {
  private static let note = #"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#

  private func events(_ body: String) -> [(id: String, data: String)] {
    body.matches(of: /id: (\S+)\nevent: message\ndata: (.*)\n\n/).map {
      (String($0.1), String($0.2))
    }
  }

  private func progress(_ id: String, _ value: Int) -> String {
    #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":\#(id),"progress":\#(value)}}"#
  }

  /// A call with a progress token, and the id that its process knows it by.
  private func call(_ bench: Bench, _ session: String) async -> (
    CapturedOutput, BridgeReply, String
  ) {
    let (output, reply) = await bench.ask(.post, Bench.call("7", token: "1"), session: session)
    return (output, reply, Bench.id(bench.processes[0].lines.last ?? ""))
  }

  /// A call whose agent goes away behind the first event: that event's id, and the id that the process knows the call by.
  private func brokenCall(_ bench: Bench, _ session: String) async -> (first: String, id: String) {
    let (output, reply, id) = await call(bench, session)
    bench.processes[0].say(progress(id, 1))
    await until { events(output.now.body).count == 1 }
    reply.disconnected()
    return (events(output.now.body)[0].id, id)
  }

  @Test func aCallsStreamGoesOnWhereItBrokeOff() async {
    let bench = Bench()
    let session = await bench.open()
    let (first, id) = await brokenCall(bench, session)
    // What is said meanwhile is kept.
    bench.processes[0].say(progress(id, 2))
    await until { await bench.bridge.keptBytes > progress(id, 1).utf8.count }
    let again = await bench.ask(.get, session: session, after: first).output
    await until { events(again.now.body).count == 1 }
    bench.processes[0].say("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{}}")
    let seen = await again.whole()
    #expect(seen.isWhole && seen.status == 200)
    let said = events(seen.body)
    #expect(said.map(\.data) == [progress("1", 2), #"{"jsonrpc":"2.0","id":7,"result":{}}"#])
    // All of it again, as long as it is kept.
    let third = await bench.ask(.get, session: session, after: said[0].id).output.whole()
    #expect(events(third.body).map(\.id) == [said[1].id])
    #expect(await bench.ask(.get, session: session, after: said[1].id).output.whole().status == 200)
    await bench.bridge.stop()
    #expect(await bench.bridge.keptBytes == 0)
  }

  @Test func anAnswerThatFoundNobodyIsThereLater() async {
    let bench = Bench()
    let session = await bench.open()
    let (first, id) = await brokenCall(bench, session)
    bench.processes[0].say("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{}}")
    await until { await bench.bridge.pending.isEmpty }
    let again = await bench.ask(.get, session: session, after: first).output.whole()
    #expect(events(again.body).map(\.data) == [#"{"jsonrpc":"2.0","id":7,"result":{}}"#])
  }

  @Test func aSessionsOwnStreamGoesOnToo() async {
    let bench = Bench()
    let session = await bench.open()
    let (stream, reply) = await bench.ask(.get, session: session)
    bench.processes[0].say(Self.note)
    await until { events(stream.now.body).count == 1 }
    reply.disconnected()
    await until { await bench.bridge.sessions[session]?.stream == nil }
    bench.processes[0].say(Self.note)
    let before = await bench.bridge.keptBytes
    await until { await bench.bridge.keptBytes > before || before > Self.note.utf8.count }
    let first = events(stream.now.body)[0].id
    let again = await bench.ask(.get, session: session, after: first).output
    await until { events(again.now.body).count == 1 }
    // It is the session's stream now.
    bench.processes[0].say(Self.note)
    await until { events(again.now.body).count == 2 }
  }

  @Test func whatIsNotKnownIsRefused() async {
    let bench = Bench { $0.limits.keptEventsMax = 2 }
    let session = await bench.open()
    let other = await bench.open()
    let (output, reply, id) = await call(bench, session)
    for value in 1...4 { bench.processes[0].say(progress(id, value)) }
    await until { events(output.now.body).count == 4 }
    reply.disconnected()
    let ids = events(output.now.body).map(\.id)
    // Two are kept: the last, and the one before it.
    for (event, status) in [(ids[0], 400), ("7", 400), ("", 400), ("9-9", 400), ("1-1-1", 400)] {
      let seen = await bench.ask(.get, session: session, after: event).output.whole()
      #expect(seen.status == status, "\(event)")
    }
    // Another session knows nothing of it.
    #expect(await bench.ask(.get, session: other, after: ids[2]).output.whole().status == 400)
    let again = await bench.ask(.get, session: session, after: ids[1]).output
    await until { events(again.now.body).map(\.id) == [ids[2], ids[3]] }
  }

  @Test func whatIsKeptIsBounded() {
    var log = StreamLog(bytesMax: 100, eventsMax: 8)
    let message = [UInt8](repeating: 0x20, count: 30)
    let ids = (0..<5).map { _ in log.add(message, to: 1, room: 1000) }
    #expect(ids == ["1-0", "1-1", "1-2", "1-3", "1-4"])
    #expect(log.bytes == 90)
    #expect(log.since("1-0") == nil)
    #expect(log.since("1-1")?.missed.map(\.id) == ["1-2", "1-3", "1-4"])
    #expect(log.since("1-4")?.missed.isEmpty == true)
    #expect(log.since("1-5") == nil && log.since("2-0") == nil && log.since("1--1") == nil)
    // One that does not fit is not kept, and nothing before it can be taken up.
    _ = log.add([UInt8](repeating: 0x20, count: 101), to: 1, room: 1000)
    #expect(log.since("1-4") == nil && log.since("1-5")?.missed.isEmpty == true)
    // The room of all sessions together counts as well; what makes room is one's own.
    #expect(log.bytes == 0)
    _ = log.add(message, to: 2, room: 30)
    _ = log.add(message, to: 2, room: 0)
    #expect(log.bytes == 30 && log.since("2-0")?.missed.count == 1)
    _ = log.add(message, to: 3, room: -31)
    #expect(log.bytes == 0)
    // A stream that is over is forgotten with its last event.
    log.end(1)
    #expect(log.since("1-5") == nil && !log.isOpen(1) && log.isOpen(2))
  }
}
