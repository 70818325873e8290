/// Where a text is that outlives the worker's use of it.
@safe
struct RuleName: BitwiseCopyable {
  private let start: UnsafeRawPointer?
  private let count: Int

  init(start: UnsafeRawPointer?, count: Int) {
    unsafe self.start = start
    self.count = count
  }

  var span: RawSpan {
    @_lifetime(immortal)
    get {
      guard let start = unsafe start else {
        return unsafe _overrideLifetime(RawSpan(), copying: ())
      }
      let span = unsafe RawSpan(_unsafeStart: start, byteCount: count)
      return unsafe _overrideLifetime(span, copying: ())
    }
  }
}

/// An object that somebody else keeps alive for as long as this value is used: reached without counting references.
///
/// A worker keeps its snapshot; what hangs off the snapshot is reached through these, because loading a class reference from
/// a property costs a retain and a release each time.
@safe
struct Pinned<Object: AnyObject>: BitwiseCopyable {
  private let reference: Unmanaged<Object>

  init(_ object: Object) {
    unsafe reference = Unmanaged.passUnretained(object)
  }

  /// Calls `body` with the object, which must not outlive the call.
  @inline(__always)
  func use<Result>(_ body: (Object) -> Result) -> Result {
    unsafe reference._withUnsafeGuaranteedRef(body)
  }
}
