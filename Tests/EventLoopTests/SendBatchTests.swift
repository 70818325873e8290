import Glibc
import Testing

@testable import EventLoop

@Suite("Sends in one call")
struct SendBatchTests {
  /// A connected pair of sockets that never block.
  private func pair() throws -> (Int32, Int32) {
    var ends: [Int32] = [0, 0]
    let type = Int32(SOCK_STREAM.rawValue) | O_NONBLOCK
    try #require(unsafe socketpair(AF_UNIX, type, 0, &ends) == 0)
    return (ends[0], ends[1])
  }

  @Test("each socket's outcome is its own: taken, full, broken")
  func outcomes() throws {
    var batch = try SendBatch(capacity: 8)
    let ends = try (0..<3).map { _ in try pair() }
    defer { for end in ends { close(end.0) } }
    let bytes = [UInt8](repeating: 7, count: 4096)
    while unsafe write(ends[1].0, bytes, bytes.count) > 0 {}
    close(ends[2].1)
    for round in 1...2 {
      batch.clear()
      for end in ends { unsafe batch.add(end.0, bytes, 1000) }
      batch.submit()
      #expect((0..<3).map { batch.outcome($0) } == [1000, 0, -EPIPE])
      var arrived = [UInt8](repeating: 0, count: 4096)
      #expect(unsafe read(ends[0].1, &arrived, arrived.count) == 1000, "round \(round)")
    }
    close(ends[0].1)
    close(ends[1].1)
  }

  @Test("what the kernel did not get to is left to do")
  func notBegun() throws {
    var batch = try SendBatch(capacity: 4)
    let end = try pair()
    defer {
      close(end.0)
      close(end.1)
    }
    let bytes: [UInt8] = [1, 2, 3]
    unsafe batch.add(end.0, bytes, 3)
    unsafe batch.add(-1, bytes, 3)
    unsafe batch.add(end.0, bytes, 3)
    batch.submit()
    #expect((0..<3).map { batch.outcome($0) } == [3, 0, 0])
    batch.clear()
    unsafe batch.add(-1, bytes, 3)
    unsafe batch.add(end.0, bytes, 3)
    batch.submit()
    #expect((0..<2).map { batch.outcome($0) } == [0, 0])
    batch.clear()
    batch.submit()
  }

  @Test("a kernel that gives none says why")
  func refused() {
    var refusal: IOError? = nil
    do throws(IOError) {
      // More than any kernel has room for.
      _ = try SendBatch(capacity: Int(Int32.max))
    } catch {
      refusal = error
    }
    #expect(refusal == IOError(operation: "set up asynchronous I/O", code: EINVAL))
  }
}
