import CHyperscan

/// The regular expressions over one argument, compiled together: one scan answers all of them.
///
/// Block mode, linear in the text whatever the pattern and the text are. Patterns that Hyperscan cannot run in
/// linear time (back-references, look-around) do not compile.
@safe
struct RegexSet: @unchecked Sendable {
  private let database: OpaquePointer
  let count: Int

  /// Patterns and texts are UTF-8; the first match ends the interest in a pattern.
  private static let flags = UInt32(HS_FLAG_SINGLEMATCH | HS_FLAG_UTF8)

  /// Why a pattern was refused, in the words of the library.
  struct Failure: Error {
    /// Which of the patterns; nil when it is none in particular.
    var pattern: Int?
    var message: String
  }

  /// Compiles `patterns`; the answer for the n-th is bit n of a scan.
  init(_ patterns: [String]) throws(Failure) {
    var compiled: OpaquePointer?
    var problem: UnsafeMutablePointer<hs_compile_error_t>?
    let flags = [UInt32](repeating: RegexSet.flags, count: patterns.count)
    let numbers = (0..<UInt32(patterns.count)).map { $0 }
    // All patterns in one stretch of memory, each ended by a zero, and a pointer to each.
    let text: [CChar] = patterns.flatMap { $0.utf8.map(CChar.init(bitPattern:)) + [0] }
    let status = unsafe text.withUnsafeBufferPointer { text in
      var start = text.baseAddress
      let expressions = unsafe patterns.map { pattern in
        defer { unsafe start = start.map { unsafe $0 + pattern.utf8.count + 1 } }
        return unsafe start
      }
      return unsafe hs_compile_multi(
        expressions, flags, numbers, UInt32(patterns.count), UInt32(HS_MODE_BLOCK), nil, &compiled,
        &problem)
    }
    guard status == HS_SUCCESS, let compiled = unsafe compiled else {
      let failure = unsafe RegexSet.failure(problem)
      unsafe hs_free_compile_error(problem)
      throw failure
    }
    unsafe database = compiled
    count = patterns.count
  }

  private static func failure(_ problem: UnsafeMutablePointer<hs_compile_error_t>?) -> Failure {
    guard let problem = unsafe problem else {
      return Failure(pattern: nil, message: "the pattern library gave no reason")
    }
    let number = unsafe Int(problem.pointee.expression)
    let message = unsafe problem.pointee.message.map { unsafe String(cString: $0) } ?? ""
    return Failure(pattern: number < 0 ? nil : number, message: message)
  }

  func free() {
    unsafe hs_free_database(database)
  }
}

/// The working memory of scans, for one thread; grows to what the largest set needs.
@safe
struct RegexScratch: ~Copyable {
  private var scratch: OpaquePointer?

  init() {
    unsafe scratch = nil
  }

  /// Makes room for `set`. At load only. Memory that cannot be had at start-up ends the process.
  mutating func prepare(for set: RegexSet) {
    let status = unsafe hs_alloc_scratch(set.opaque, &scratch)
    precondition(status == HS_SUCCESS, "no memory for the scratch of the regular expressions")
  }

  deinit {
    unsafe hs_free_scratch(scratch)
  }

  /// Searches `text` with every pattern of `set`, and sets the bits of those that match in `words`, which the
  /// caller has cleared and which hold at least `set.count` bits.
  ///
  /// - Returns: false when the scan failed, and the words mean nothing.
  borrowing func scan(
    _ text: RawSpan, with set: RegexSet, into words: UnsafeMutablePointer<UInt64>
  ) -> Bool {
    let status = unsafe text.withUnsafeBytes { bytes in
      // The library refuses a null pointer even for an empty text.
      let start = unsafe bytes.baseAddress ?? UnsafeRawPointer(words)
      return unsafe hs_scan(
        set.opaque, start.assumingMemoryBound(to: CChar.self), UInt32(bytes.count), 0, scratch,
        { number, _, _, _, context in
          guard let words = unsafe context?.assumingMemoryBound(to: UInt64.self) else { return 1 }
          unsafe words[Int(number >> 6)] |= 1 << UInt64(number & 63)
          return 0
        },
        UnsafeMutableRawPointer(words))
    }
    return status == HS_SUCCESS
  }
}

extension RegexSet {
  fileprivate var opaque: OpaquePointer { unsafe database }
}
