internal import Audit
internal import EventLoop
internal import Identity
internal import Policy
internal import Wire

/// One request with its answer.
///
/// There is one for as long as a call waits for its approval, which thousands may do at once: what only some exchanges need, and
/// is more than a few words, belongs in a block or a table of its own. A test holds it to `bytesMax`.
struct Exchange: BitwiseCopyable {
  static var bytesMax: Int { 1280 }

  /// What kind of answer the agent is being given.
  enum AnswerKind: UInt8 {
    case none
    /// Head and body at once, with a Content-Length.
    case whole
    /// An event stream, chunk by chunk.
    case stream
  }

  /// How a message that is passed on while it arrives is written.
  enum StreamedForm: UInt8 {
    case none
    /// It is the body, in chunks.
    case json
    /// It is the event that is being written.
    case event
  }

  var phase = Phase.httpHead
  /// What it is judged by, from its beginning to its end.
  let generation: UInt8
  /// The client's connection; `.max` once the client has gone.
  var connection: UInt32
  var upstream: UInt32 = .max
  var head: RequestHead
  /// Index of the server's route; -1 before routing.
  var route: Int32 = -1
  /// Whose it is: an index into the snapshot's principals, or a reference into the worker's `PrincipalTable`, retained
  /// until the exchange ends.
  var principal: UInt32 = .max
  /// When its token expires, in nanoseconds of the loop's clock; `.max` for credentials that do not.
  var expires = UInt64.max
  /// Why the token was refused, for the challenge.
  var tokenRefusal: TokenRefusal? = nil

  // The request while its body is incomplete.
  /// Head and decoded body of a chunked request, and of one that is held.
  var request = Block.none
  var requestCount = 0
  var chunks: ChunkedDecoder

  // What is kept of the message.
  var method = MCPMethod.unknown
  /// A notification, or an answer to a request of the server's: nothing answers it but a status.
  var isNotification = false
  var era = Era.legacy
  /// The JSON-RPC id, literally.
  var id = ShortText()
  var masks = MaskRuleSet()
  /// Tells whether a later call is the same (`CallMark`), where that may have to be told.
  var callMark: UInt64 = 0
  /// The tool that a call may become a task of, or whose task it is about, as `Worker.judgeTask` seals it; no block where there
  /// is none.
  var task = Block.none
  var taskToolBytes = 0
  var taskBytes = 0
  /// What is to be replaced in the message that was read last.
  var changes = AnswerChanges.none
  /// The policy let it through to its server.
  var isForwarded = false
  /// Bytes of the server's own session id, in working memory while the request is being judged.
  var sessionCount = 0
  /// The server's own session id: that of a legacy request, or what came with the answer to `initialize`; once
  /// `isSessionSealed`, the sealed one that the agent gets, for the record.
  var serverSession = ShortText()
  var isSessionSealed = false
  /// The version of the session, or of the server's answer to `initialize`.
  var agreedVersion = ProtocolVersion.v2025_03_26

  /// Of one message of a batch: the exchange of the POST that it came in; `.max` for one that came alone.
  var batch: UInt32 = .max
  /// Of a batch: how many of its messages are not done with.
  var membersLeft: UInt8 = 0

  /// The place of its `HeldRequest` while it waits for an approval; `.max` while it does not.
  var held: UInt32 = .max

  // The record.
  var record = RecordID(value: 0)
  var ticket = AuditTicket.none
  var received: UInt64
  var decided: UInt64 = 0
  var upstreamSent: UInt64 = 0
  var firstByte: UInt64 = 0
  var maskedValues: UInt32 = 0
  /// Of a list: entries that the principal does not get to see.
  var hiddenEntries: UInt16 = 0
  var serverStatus: UInt16 = 0
  var serverBytes: UInt64 = 0

  // The answer.
  var answerKind = AnswerKind.none
  /// The answer's bytes that were not yet handed to the connection: `answer[answerStart..<answerEnd]`.
  var answer = Block.none
  var answerStart = 0
  var answerEnd = 0
  /// Where the part that goes into the record begins (the body, not the head), as far as it is not recorded yet.
  var recordStart = 0
  var outcome = CallOutcome(result: .success)
  /// Nothing will be added to the answer.
  var isAnswerComplete = false
  var headSent = false
  /// Chunk framing is around what waits in `answer`.
  var isFramed = false
  /// The last chunk has been written.
  var isEndSent = false
  /// The stream holds more than comments that keep the connection alive.
  var hasStreamedMessage = false
  /// The stream ends without its end, because what was to come must not: the client sees it cut off.
  var isCut = false
  /// A message is passed on while it arrives, and in this form.
  var streamedForm = StreamedForm.none
  /// Why its connection to the server failed, where the errno does not tell.
  var failureReason = RecordedReason.none
  /// Of an agent that speaks HTTP+SSE: it opens its stream (GET), or posts a message for it.
  var isEventStream = false
  /// A legacy session's own stream (GET): notifications, no answer.
  var isSessionStream = false
  /// The stream can be taken up again, so that its server may break it off.
  var isResumable = false
  /// Requests of the server's own that were refused on this stream.
  var refusedRequests: UInt8 = 0
  /// The place of the web page's origin in the snapshot's `access`; -1 when no page has sent the request.
  var origin: Int32 = -1
  var localExtra = LocalRefusal.Extra.none
  var status: UInt16 = 0
  /// Close the client's connection after this answer.
  var closesConnection = false
  /// Whether it waits for the audit path, and the next that does.
  var isWaiting = false
  var nextWaiting: UInt32 = .max
}
