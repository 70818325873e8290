internal import Wire

/// Texts that workers write into heads and records, laid end to end in memory that never moves: no `String`, no
/// reference counting, no copying per request.
@safe
final class TextArena: Sendable {
  struct Builder {
    private var bytes: [UInt8] = []

    mutating func add(_ text: some Sequence<UInt8>) -> ByteRange {
      let start = bytes.count
      bytes.append(contentsOf: text)
      return ByteRange(start..<bytes.count)
    }

    mutating func add(_ text: String) -> ByteRange { add(text.utf8) }

    func build() -> TextArena { TextArena(bytes) }
  }

  private nonisolated(unsafe) let memory: UnsafeRawBufferPointer

  private init(_ bytes: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, bytes.count), alignment: 16)
    unsafe copy.copyBytes(from: bytes)
    unsafe memory = UnsafeRawBufferPointer(copy)
  }

  deinit { unsafe memory.deallocate() }

  /// The arena's texts as a plain value, for a worker that keeps the arena alive.
  var texts: Texts { unsafe Texts(start: memory.baseAddress!, count: memory.count) }
}

/// The texts of a `TextArena`, readable as long as somebody keeps the arena.
@safe
struct Texts: BitwiseCopyable {
  private let start: UnsafeRawPointer
  private let count: Int

  init(start: UnsafeRawPointer, count: Int) {
    unsafe self.start = start
    self.count = count
  }

  subscript(_ range: ByteRange) -> RawSpan {
    @_lifetime(immortal)
    get {
      precondition(Int(range.end) <= count)
      let span = unsafe RawSpan(
        _unsafeStart: start + Int(range.offset), byteCount: Int(range.count))
      return unsafe _overrideLifetime(span, copying: ())
    }
  }
}
