import EventLoop

/// One client of the model server. It answers one request after the other; what arrives meanwhile waits in `input`.
struct ModelConnection {
  var socket: Socket
  /// Bytes that have arrived and are not yet answered; no block while there are none.
  var input = Block.none
  var inputCount = 0
  /// An answer is on its way or held back.
  var isBusy = false
  /// Close after the answer that is on its way.
  var closesAfterwards = false
  var isClosing = false
  /// The block of the last kind of answer, with its unchanging end in place.
  var output = Block.none
  /// Which template `output` holds, or -1.
  var template = -1
  /// Where in `output` the answer to send is.
  var answer: Range<Int> = 0..<0
  /// The request has been told to go on sending.
  var hasProceeded = false
}
