import Foundation
import Testing

@testable import SluiceConfiguration

@Suite struct SecretProgramTests {
  private func shell(_ script: String, timeout: Int = 5_000) -> SecretProgram {
    var program = SecretProgram(command: ["sh", "-c", script])
    program.timeoutMilliseconds = timeout
    return program
  }

  @Test(arguments: [
    ("printf secret", "secret"), ("echo secret", "secret"), ("printf 'secret\\r\\n'", "secret"),
    ("printf 'a\\nb\\n'", "a\nb"), ("cat; echo no-input", "no-input"),
    ("echo out; echo err >&2", "out"),
  ])
  func whatItPrintsIsTheSecret(script: String, secret: String) throws {
    #expect(try shell(script).run() == Array(secret.utf8))
  }

  @Test(arguments: [
    ("exit 3", "sh ended with status 3; run it by hand to see why"),
    ("echo hunter2; exit 1", "sh ended with status 1; run it by hand to see why"),
    ("kill -KILL $$", "sh ended with status 137; run it by hand to see why"),
    ("true", "sh printed nothing"), ("echo", "sh printed nothing"),
    ("head -c 20000 /dev/zero", "sh printed more than 16KiB"),
    ("yes", "sh printed more than 16KiB"),
  ])
  func whatFailsSaysWhyAndNoSecret(script: String, message: String) {
    #expect {
      try shell(script).run()
    } throws: { "\($0)" == message }
  }

  @Test(arguments: ["sleep 60", "echo secret; exec >&-; sleep 60", "sleep 60 & echo secret"])
  func whatHangsIsKilledWithItsChildren(script: String) {
    #expect {
      try shell(script, timeout: 200).run()
    } throws: { "\($0)" == "sh did not end within 200ms" }
  }

  @Test func whatIsNotThereIsSaid() {
    #expect {
      try SecretProgram(command: ["/no/such/program"]).run()
    } throws: { "\($0)" == "/no/such/program cannot be run: No such file or directory" }
  }

  /// Prints what a file holds; fails without the file.
  private final class Source {
    let path = NSTemporaryDirectory() + "sluice-program-\(UUID().uuidString)"
    var program: SecretProgram {
      var program = SecretProgram(command: ["cat", path])
      program.refreshMilliseconds = 60_000
      program.maxAgeMilliseconds = 300_000
      return program
    }
    func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }
    func remove() throws { try FileManager.default.removeItem(atPath: path) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  @Test func aFreshSecretIsNotFetchedAgain() throws {
    let source = Source()
    let secrets = ProgramSecrets()
    let start = ContinuousClock.now
    try source.write("one")
    #expect(try secrets.fetch(source.program, now: start) == Array("one".utf8))
    try source.write("two")
    #expect(try secrets.fetch(source.program, now: start + .seconds(59)) == Array("one".utf8))
    #expect(!secrets.isDue(source.program, now: start + .seconds(59)))
    #expect(secrets.isDue(source.program, now: start + .seconds(60)))
    #expect(try secrets.fetch(source.program, now: start + .seconds(60)) == Array("two".utf8))
  }

  @Test func theLastSecretServesUntilItsAgeLimit() throws {
    let source = Source()
    let secrets = ProgramSecrets()
    let start = ContinuousClock.now
    #expect(throws: SecretProgram.Failure.self) {
      try secrets.fetch(source.program, now: start)
    }
    try source.write("one")
    #expect(try secrets.refresh(source.program, now: start))
    #expect(try !secrets.refresh(source.program, now: start))
    try source.remove()
    let later = start + .seconds(100)
    #expect(try secrets.fetch(source.program, now: later) == Array("one".utf8))
    #expect(!secrets.isDue(source.program, now: later + .seconds(4)), "it waits a moment")
    #expect(secrets.isDue(source.program, now: later + .seconds(5)))
    #expect(secrets.usable(source.program, now: start + .seconds(299)) != nil)
    #expect(secrets.usable(source.program, now: start + .seconds(300)) == nil)
    #expect(throws: SecretProgram.Failure.self) {
      try secrets.fetch(source.program, now: start + .seconds(300))
    }
    secrets.keep([])
    #expect(secrets.usable(source.program, now: start) == nil)
  }

  @Test func checkingRunsNothing() throws {
    let marker = NSTemporaryDirectory() + "sluice-ran-\(UUID().uuidString)"
    let folder = NSTemporaryDirectory() + "sluice-check-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let sample = Sample(
      servers:
        "servers:\n  orders: { url: http://x, credential: { header: X-Key, exec: [touch, '\(marker)'] } }"
    )
    try Data(sample.text.utf8).write(to: URL(fileURLWithPath: "\(folder)/sluice.yaml"))
    let summary = try ConfigurationLoader.check(path: "\(folder)/sluice.yaml", environment: [:])
    #expect(summary.description.contains("sends X-Key from exec:touch"))
    #expect(!FileManager.default.fileExists(atPath: marker))
  }
}
