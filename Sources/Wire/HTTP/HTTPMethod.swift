/// Request methods. CONNECT and TRACE never get this far: the parser refuses them.
public enum HTTPMethod: UInt8, BitwiseCopyable, Sendable {
  case get, post, delete, options, head, put, patch
  /// A method with a well-formed name that has no meaning here.
  case other
}
