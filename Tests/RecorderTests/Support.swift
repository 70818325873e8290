import Audit
import AuditTestSupport
import Foundation
import Testing

@testable import Recorder

/// A directory of its own for each test, gone afterwards, and calls recorded into it.
final class Recording: Sendable {
  private let directory: TemporaryDirectory
  var path: String { directory.path }
  var audit: String { directory.audit }
  var commands: AuditCommands { AuditCommands(directory: audit) }
  var sessions: SessionCatalog { SessionCatalog(directory: audit) }

  init() throws { directory = try TemporaryDirectory() }

  func log(segmentBytesMax: Int = 256 << 20, batch: Int = 256 << 10) throws -> AuditLog {
    var settings = AuditSettings(directory: audit)
    settings.segmentBytesMax = segmentBytesMax
    settings.writeBatchBytesMax = batch
    settings.durability = .interval(milliseconds: 5)
    return try AuditLog(settings: settings, workers: 1)
  }

  var segments: [String] { directory.segments }

  func url(_ segment: String) -> URL { URL(fileURLWithPath: audit + "/" + segment) }
}

/// Collects the lines that `tail` prints.
final class Lines {
  var all: [String] = []
}
