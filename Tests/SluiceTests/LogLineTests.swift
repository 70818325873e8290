import ExampleServer
import Logging
import PlainJSON
import Synchronization
import Testing

@testable import sluice

@Suite struct LogLineTests {
  private final class Lines: Sendable {
    let all = Mutex<[String]>([])
    var last: String { all.withLock { $0.last ?? "" } }
  }

  private func logger(_ format: LogFormat, _ lines: Lines, coloured: Bool = false) -> Logger {
    Logger(label: "test") { _ in
      LineLogHandler(format: format, level: .info, style: TextStyle(isColoured: coloured)) { line in
        lines.all.withLock { $0.append(line) }
      }
    }
  }

  @Test func textIsOneLineWithSortedFields() {
    let lines = Lines()
    logger(.text, lines).info("listening", metadata: ["workers": "4", "address": "127.0.0.1:8080"])
    #expect(lines.last.hasSuffix(" info     listening address=127.0.0.1:8080 workers=4"))
    logger(.text, lines).warning("odd", metadata: ["name": "two words", "empty": ""])
    #expect(lines.last.hasSuffix(#" warning  odd empty="" name="two words""#))
  }

  @Test func nothingLoggedCanForgeALineOrAColour() throws {
    let lines = Lines()
    let hostile = "a\r\nb\u{1B}[31m\u{0}"
    logger(.text, lines).info("\(hostile)", metadata: ["tool": "\(hostile)"])
    #expect(!lines.last.unicodeScalars.contains { $0.properties.generalCategory == .control })
    logger(.json, lines).info("\(hostile)", metadata: ["tool": "\(hostile)"])
    #expect(!lines.last.contains("\n"))
    #expect(try JSONValue(parsing: lines.last.utf8)["tool"] == .string(hostile))
  }

  @Test func jsonKeepsItsOwnFieldsApart() throws {
    let lines = Lines()
    var log = logger(.json, lines)
    log[metadataKey: "worker"] = "1"
    log.error("failed", metadata: ["level": "low", "time": "never"])
    let event = try JSONValue(parsing: lines.last.utf8)
    #expect(event["level"] == "error")
    #expect(event["field_level"] == "low")
    #expect(event["worker"] == "1")
    #expect(event["message"] == "failed")
    let time = try #require(event["time"]?.text)
    #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
  }

  @Test func levelsBelowTheThresholdAreSilent() {
    let lines = Lines()
    logger(.text, lines).debug("quiet")
    #expect(lines.last.isEmpty)
  }

  @Test func coloursAreOnlyThereWhenWanted() {
    let lines = Lines()
    logger(.text, lines, coloured: true).error("red")
    #expect(lines.last.contains("\u{1B}[31merror"))
    logger(.text, lines).error("plain")
    #expect(!lines.last.contains("\u{1B}"))
  }
}
