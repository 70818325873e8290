internal import Synchronization

/// Failures a test asks for, in place of a broken disk. Looked at once per write, sync or create; absent in
/// production.
package final class AuditFaults: Sendable {
  private let writeCode = Atomic<Int32>(0)
  private let writeBytesMax = Atomic<Int>(Int.max)
  private let syncCode = Atomic<Int32>(0)
  private let createCode = Atomic<Int32>(0)

  package init() {}

  /// Every write fails with this errno; 0 heals. Before it fails, a write puts down `after` bytes, as a disk that
  /// runs full does.
  package func failWrites(code: Int32, after: Int = 0) {
    writeBytesMax.store(code == 0 ? Int.max : after, ordering: .relaxed)
    writeCode.store(code, ordering: .releasing)
  }

  package func failSyncs(code: Int32) { syncCode.store(code, ordering: .releasing) }

  /// New segments cannot be created.
  package func failCreates(code: Int32) { createCode.store(code, ordering: .releasing) }

  /// Bytes the next write may put down before it fails with the code; nil when writes work.
  var write: (code: Int32, after: Int)? {
    let code = writeCode.load(ordering: .acquiring)
    return code == 0 ? nil : (code, writeBytesMax.load(ordering: .relaxed))
  }
  var sync: Int32 { syncCode.load(ordering: .acquiring) }
  var create: Int32 { createCode.load(ordering: .acquiring) }
}
