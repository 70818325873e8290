/// How the bytes of a socket become plain bytes. Nothing above knows which runs.
enum Transport: BitwiseCopyable, Equatable {
  case plain
  /// TLS, in this slot of the worker's channels.
  case tls(UInt32)
}
