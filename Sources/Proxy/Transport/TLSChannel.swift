internal import EventLoop
internal import Identity

/// The TLS between one socket and the plain bytes that phases read and write.
///
///     socket ── received ──▶ session ──▶ worker's plain memory ──▶ phases
///     phases ── `plain` ──▶ session, a slice at a time ──▶ `wire` ──▶ socket
///
/// Memory is bounded: beside the plain block, which is the owner's, at most one slice is encrypted at a time, and what the
/// protocol itself has to say (`spare`) has a limit beyond which the connection is closed. An idle channel holds no block,
/// and OpenSSL gives its own buffers back too.
struct TLSChannel: ~Copyable {
  /// Plain bytes that are encrypted at once: with their framing they fill a block of 64 KiB.
  static var sliceBytes: Int { 61440 }
  /// What a handshake, or the protocol between two sends, may want to send at most. A longest sensible chain of
  /// certificates is a quarter of it.
  static var outputBytesMax: Int { 64 << 10 }

  var session: TLSSession
  let socket: Socket
  /// What the socket belongs to.
  let owner: Token
  var isEstablished = false
  /// Nothing has arrived yet: the first byte tells TLS from something else.
  var isFresh = true
  /// Nothing more is read: the peer has ended, or the session has failed.
  var isInputOver = false
  /// Nothing can be sent any more; the owner is told by its timer.
  var hasFailed = false

  /// Ciphertext that is with the socket.
  var wire = Block.none
  var isSending = false
  /// Whether it ends what `plain` holds.
  var wireEndsPlain = false
  /// What the protocol has to say, next in the order of sending.
  var spare = Block.none
  var spareCount = 0
  /// What the owner sends: `plain[plainAt..<plainEnd]` is not encrypted yet. The block stays the owner's.
  var plain = Block.none
  var plainAt = 0
  var plainEnd = 0
  var plainCount = 0
  /// Ciphertext that the kernel took since the owner began its send.
  var taken = 0

  /// Our direction is to end when everything else has left.
  var endsOutput = false
  /// The session has said so (close_notify).
  var hasSaidEnd = false
  var isOutputOver = false

  init(session: consuming TLSSession, socket: Socket, owner: Token) {
    self.session = session
    self.socket = socket
    self.owner = owner
  }
}
